#include "http_sidecar/net/body_reader.h"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string_view>

#include "http_sidecar/base/header_field.h"
#include "http_sidecar/base/number.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kLineBytesMax = 8 * 1024;  // of a chunk's size, or a trailer
constexpr int kTrailersMax = 100;

}  // namespace

void BodyReader::Fail() const {
  if (socket_->is_late()) throw LateBody("the body did not come in time");
  throw std::runtime_error("the body ended too soon, or its chunks are malformed");
}

bool BodyReader::ReadSome(std::string* out) {
  if (is_chunked_ && bytes_left_ == 0 && !is_over_) BeginChunk();
  if (bytes_left_ == 0) return false;
  const std::size_t begin = out->size();
  out->resize(begin + static_cast<std::size_t>(std::min<std::uint64_t>(bytes_left_, kBytesAtOnce)));
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
  if (std::ranges::any_of(line, [](char c) { return IsControl(c) && c != '\t'; })) Fail();
  const std::size_t extensions = std::min(line.find(';'), line.size());
  std::string_view size = std::string_view(line).substr(0, extensions);
  // Blanks may stand before an extension, and nowhere else.
  if (extensions != line.size()) size = size.substr(0, size.find_last_not_of(" \t") + 1);
  const auto bytes = ParseNumber<std::uint64_t>(size, 16);
  if (!bytes) Fail();
  bytes_left_ = *bytes;
  if (bytes_left_ != 0) return;
  is_over_ = true;
  int trailers = 0;
  for (std::string trailer = ReadLine(); !trailer.empty(); trailer = ReadLine()) {
    if (++trailers > kTrailersMax || !ParseField(trailer)) Fail();
  }
}

}  // namespace dedup::sidecar
