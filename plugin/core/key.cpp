#include "key.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "errors.h"

namespace dedup {
namespace {

std::uint64_t LoadLittleEndian(const void* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

// SipHash over pieces as if they stood one behind the other, without copying them together.
class SipHash128 {
 public:
  explicit SipHash128(const HashSecret& secret) {
    const std::uint64_t k0 = LoadLittleEndian(secret.data());
    const std::uint64_t k1 = LoadLittleEndian(secret.data() + 8);
    v0_ = k0 ^ 0x736f6d6570736575;
    v1_ = k1 ^ 0x646f72616e646f6d ^ 0xee;
    v2_ = k0 ^ 0x6c7967656e657261;
    v3_ = k1 ^ 0x7465646279746573;
  }

  void Add(std::string_view piece) {
    const char* p = piece.data();
    std::size_t left = piece.size();
    total_ += left;
    if (pending_bits_ != 0) {
      while (left != 0 && pending_bits_ < 64) {
        pending_ |= std::uint64_t{static_cast<unsigned char>(*p++)} << pending_bits_;
        pending_bits_ += 8;
        --left;
      }
      if (pending_bits_ < 64) return;
      Compress(pending_);
      pending_ = 0;
      pending_bits_ = 0;
    }
    for (; left >= 8; left -= 8, p += 8) Compress(LoadLittleEndian(p));
    for (; left != 0; --left, pending_bits_ += 8) {
      pending_ |= std::uint64_t{static_cast<unsigned char>(*p++)} << pending_bits_;
    }
  }

  KeyHash Finish() {
    Compress(pending_ | (total_ << 56));
    v2_ ^= 0xee;
    for (int i = 0; i < 4; ++i) Round();
    const std::uint64_t low = v0_ ^ v1_ ^ v2_ ^ v3_;
    v1_ ^= 0xdd;
    for (int i = 0; i < 4; ++i) Round();
    return {.high = v0_ ^ v1_ ^ v2_ ^ v3_, .low = low};
  }

 private:
  void Compress(std::uint64_t word) {
    v3_ ^= word;
    Round();
    Round();
    v0_ ^= word;
  }
  void Round() {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13);
    v1_ ^= v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16);
    v3_ ^= v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21);
    v3_ ^= v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17);
    v1_ ^= v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
  std::uint64_t pending_ = 0;
  int pending_bits_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace

HashSecret MakeHashSecret() {
  HashSecret secret;
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    throw StorageError("getrandom", "for the hash secret", errno);
  }
  return secret;
}

KeyHash HashKey(const HashSecret& secret, std::string_view topic, std::string_view event_id) {
  SipHash128 hash(secret);
  // A topic has at most 65,535 bytes (MQTT 3.1.1, section 1.5.3), so two bytes hold its length.
  const char length[2] = {static_cast<char>(topic.size() & 0xFF), static_cast<char>((topic.size() >> 8) & 0xFF)};
  hash.Add({length, sizeof length});
  hash.Add(topic);
  hash.Add(event_id);
  return hash.Finish();
}

}  // namespace dedup
