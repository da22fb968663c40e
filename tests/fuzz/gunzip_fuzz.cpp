// Gunzip: any bytes unpack to the same, or are refused, in whatever pieces they come; what zlib has packed comes back
// whole, what was cut off is not whole, and what follows it must be gzip, too.
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http_sidecar/net/gunzip.h"

namespace {

constexpr std::size_t kUnpackedBytesMax = std::size_t{128} << 10;  // a bomb of a few KB would fill memory

struct Unpacked {
  std::string bytes;
  bool is_whole = false;
  bool is_large = false;

  friend bool operator==(const Unpacked&, const Unpacked&) = default;
};

// Nothing where it is refused.
std::optional<Unpacked> Unpack(std::string_view packed, std::size_t piece_bytes) {
  dedup::sidecar::Gunzip gunzip;
  Unpacked unpacked;
  try {
    while (!packed.empty()) {
      std::string_view piece = packed.substr(0, piece_bytes);
      packed.remove_prefix(piece.size());
      for (std::size_t size = SIZE_MAX; !piece.empty() || unpacked.bytes.size() != size;) {
        size = unpacked.bytes.size();
        gunzip.UnpackSome(&piece, &unpacked.bytes);
        if (unpacked.bytes.size() > kUnpackedBytesMax) return Unpacked{.bytes = {}, .is_large = true};
      }
    }
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  unpacked.is_whole = gunzip.is_whole();
  return unpacked;
}

std::string Pack(std::string_view bytes) {
  constexpr int kGzip = 16;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    std::abort();
  }
  std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

void Expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), std::min(size, std::size_t{4096}));
  const std::optional<Unpacked> at_once = Unpack(input, SIZE_MAX);
  for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}}) {
    const std::optional<Unpacked> in_pieces = Unpack(input, piece_bytes);
    // Beyond the limit it depends on the pieces whether damage behind it is reached.
    if ((at_once && at_once->is_large) || (in_pieces && in_pieces->is_large)) continue;
    Expect(in_pieces == at_once, "pieces unpack to something else than the whole");
  }
  const std::size_t middle = input.size() / 2;
  const std::string packed = Pack(input.substr(0, middle)) + Pack(input.substr(middle));
  Expect(Unpack(packed, 7) == Unpacked{std::string(input), true}, "two members do not come back");
  const std::size_t kept = input.empty() ? 1 : data[0] % packed.size();
  const std::optional<Unpacked> cut = Unpack(std::string_view(packed).substr(0, kept), 7);
  const bool is_first_member = kept == Pack(input.substr(0, middle)).size();
  Expect(cut && (cut->is_whole == is_first_member), "what was cut off counts as whole");
  Expect(!Unpack(packed + "x", 7) || !Unpack(packed + "x", 7)->is_whole, "bytes behind the last member are overlooked");
  return 0;
}
