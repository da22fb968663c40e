#include "http_sidecar/net/body_reader.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <system_error>

namespace dedup::sidecar {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kLineBytesMax = 8 * 1024;  // of a chunk's size, or a trailer
constexpr int kTrailersMax = 100;

[[noreturn]] void Fail() { throw std::runtime_error("the body ended too soon, or its chunks are malformed"); }

}  // namespace

bool BodyReader::ReadSome(std::string* out) {
  if (is_chunked_ && bytes_left_ == 0 && !is_over_) BeginChunk();
  if (bytes_left_ == 0) return false;
  const std::size_t begin = out->size();
  out->resize(begin + static_cast<std::size_t>(std::min<std::uint64_t>(bytes_left_, kReadBytes)));
  const ssize_t count = socket_->Read(out->data() + begin, out->size() - begin);
  out->resize(begin + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (count <= 0) Fail();
  bytes_left_ -= static_cast<std::uint64_t>(count);
  return true;
}

std::string BodyReader::ReadLine() {
  std::string line;
  if (!socket_->ReadLine(kLineBytesMax, &line) || !line.ends_with("\r\n")) Fail();
  line.resize(line.size() - 2);
  return line;
}

void BodyReader::BeginChunk() {
  if (!is_first_chunk_ && !ReadLine().empty()) Fail();
  is_first_chunk_ = false;
  const std::string line = ReadLine();
  const char* const end = line.data() + std::min(line.find(';'), line.size());
  const auto [stop, error] = std::from_chars(line.data(), end, bytes_left_, 16);
  if (error != std::errc() || stop != end) Fail();
  if (bytes_left_ != 0) return;
  is_over_ = true;
  for (int trailers = 0; !ReadLine().empty(); ++trailers) {
    if (trailers == kTrailersMax) Fail();
  }
}

}  // namespace dedup::sidecar
