#include "plugin/core/event/key.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "plugin/core/base/errors.h"

namespace dedup {
namespace {

static_assert(std::endian::native == std::endian::little);

std::uint64_t LoadWord(const void* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// The last bytes of `piece`, fewer than a word, with zeros behind them.
std::uint64_t LoadRest(std::string_view piece, std::size_t rest) {
  if (piece.size() >= sizeof(std::uint64_t)) {
    return LoadWord(piece.data() + piece.size() - sizeof(std::uint64_t)) >> (8 * (sizeof(std::uint64_t) - rest));
  }
  std::uint64_t word = 0;
  for (std::size_t i = rest; i-- > 0;) word = word << 8 | static_cast<unsigned char>(piece[i]);
  return word;
}

class SipHash128 {
 public:
  explicit SipHash128(const HashSecret& secret) {
    const std::uint64_t k0 = LoadWord(secret.data());
    const std::uint64_t k1 = LoadWord(secret.data() + 8);
    v0_ = k0 ^ 0x736f6d6570736575;
    v1_ = k1 ^ 0x646f72616e646f6d ^ 0xee;
    v2_ = k0 ^ 0x6c7967656e657261;
    v3_ = k1 ^ 0x7465646279746573;
  }

  void Add(std::uint64_t word) {
    v3_ ^= word;
    Round();
    v0_ ^= word;
    ++words_;
  }

  // With zeros up to the next whole word.
  void Add(std::string_view piece) {
    const std::size_t rest = piece.size() % sizeof(std::uint64_t);
    const char* const end = piece.data() + (piece.size() - rest);
    for (const char* p = piece.data(); p != end; p += sizeof(std::uint64_t)) Add(LoadWord(p));
    if (rest != 0) Add(LoadRest(piece, rest));
  }

  KeyHash Finish() {
    Add(words_ * sizeof(std::uint64_t) << 56);
    v2_ ^= 0xee;
    for (int i = 0; i < 3; ++i) Round();
    const std::uint64_t low = v0_ ^ v1_ ^ v2_ ^ v3_;
    v1_ ^= 0xdd;
    for (int i = 0; i < 3; ++i) Round();
    return {.high = v0_ ^ v1_ ^ v2_ ^ v3_, .low = low};
  }

 private:
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
  std::uint64_t words_ = 0;
};

}  // namespace

HashSecret MakeHashSecret() {
  HashSecret secret;
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    throw StorageError("getrandom", "for the hash secret", errno);
  }
  return secret;
}

// Whole words only, so that no byte is shifted into its place; the sizes keep ("ab", "c") and ("a", "bc") apart.
KeyHash HashKey(const HashSecret& secret, std::string_view topic, std::string_view event_id) {
  SipHash128 hash(secret);
  hash.Add(std::uint64_t{topic.size()} | std::uint64_t{event_id.size()} << 32);
  hash.Add(topic);
  hash.Add(event_id);
  return hash.Finish();
}

}  // namespace dedup
