// Runs every file of a corpus directory through a fuzzer's entry point, and every one-byte change of it: what libFuzzer
// once found stays found, on machines without clang too.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void RunOne(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int count, char** arguments) {
  std::size_t files = 0;
  std::size_t runs = 0;
  for (int i = 1; i < count; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) {
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
  }
  std::printf("%zu files, %zu runs\n", files, runs);
  return files == 0 ? 1 : 0;
}
