#include "command/base/input.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace dedup::command {

std::string ReadInput(const std::string& path) {
  const auto fail = [&path](int error) {
    throw std::system_error(error, std::system_category(),
                            path == "-" ? "cannot read standard input" : "cannot read " + path);
  };
  const auto close = [](std::FILE* file) {
    if (file != stdin) std::fclose(file);
  };
  const std::unique_ptr<std::FILE, decltype(close)> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"), close);
  if (file == nullptr) fail(errno);
  std::string bytes;
  char block[65536];
  while (const std::size_t size = std::fread(block, 1, sizeof block, file.get())) bytes.append(block, size);
  if (std::ferror(file.get()) != 0) fail(errno);
  return bytes;
}

}  // namespace dedup::command
