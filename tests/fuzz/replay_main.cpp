// Runs every file of a corpus directory through a fuzzer's entry point, and every one-byte change of it: what libFuzzer
// once found stays found, on machines without clang too.
//
//   FUZZER DIRECTORY… [--random RUNS [SEED]]
//       RUNS inputs of random bytes too, for fuzzers that make something of any bytes
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void RunOne(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

void RunRandom(std::size_t runs, std::uint64_t seed) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < runs; ++i) {
    std::string input(random() % 512, '\0');
    for (char& byte : input) byte = static_cast<char>(random());
    RunOne(input);
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t files = 0;
  std::size_t runs = 0;
  for (int i = 1; i < count; ++i) {
    if (std::string_view(arguments[i]) == "--random") {
      if (++i == count) return 2;
      const std::size_t random_runs = std::strtoull(arguments[i], nullptr, 10);
      const bool has_seed = ++i < count;
      RunRandom(random_runs, has_seed ? std::strtoull(arguments[i], nullptr, 10) : std::random_device()());
      runs += random_runs;
      continue;
    }
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i], error)) {
      std::ifstream file(entry.path(), std::ios::binary);
      std::string input(std::istreambuf_iterator<char>(file), {});
      ++files;
      RunOne(input);
      for (std::size_t at = 0; at < input.size(); ++at) {
        input[at] = static_cast<char>(input[at] ^ (1 << (at % 8)));
        RunOne(input);
        input[at] = static_cast<char>(input[at] ^ (1 << (at % 8)));
      }
      runs += 1 + input.size();
    }
    if (error) {
      std::fprintf(stderr, "cannot read the corpus %s: %s\n", arguments[i], error.message().c_str());
      return 1;
    }
  }
  std::printf("%zu files, %zu runs\n", files, runs);
  return runs == 0 ? 1 : 0;
}
