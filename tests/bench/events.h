// The events that the bench publishes and stores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace dedup::bench {

enum class IdKind { kUuidV4, kUuidV7, kCounter };

/// Makes ids of one kind; the same sequence in every process.
class IdSource {
 public:
  explicit IdSource(IdKind kind) : kind_(kind) {}
  std::string Next();

 private:
  IdKind kind_;
  std::mt19937_64 random_{1};
  std::uint64_t count_ = 0;
};

/// A JSON event of `bytes` bytes (at least what its members take) that ends with `number`. Without an id it has no
/// member `event_id`.
std::string MakeEvent(std::string_view id, std::size_t number, std::size_t bytes);

/// The number that MakeEvent put there.
std::size_t NumberOf(std::string_view payload);

}  // namespace dedup::bench
