// What became of a publish.
#pragma once

#include <cstdint>
#include <string_view>

namespace dedup {

enum class Verdict : std::uint8_t {
  kProcessed,  ///< a new event, accepted: hand it on
  kDuplicate,  ///< known: do not hand it on, but let its publisher have its acknowledgement
  kPassed,     ///< no event: hand it on untouched
  kRefused,    ///< an event that could not be stored: no acknowledgement, so that its publisher sends it again
};

/// As receipts and HTTP name it.
constexpr std::string_view NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kProcessed:
      return "processed";
    case Verdict::kDuplicate:
      return "duplicate";
    case Verdict::kPassed:
      return "passed";
    case Verdict::kRefused:
      return "refused";
  }
  return {};
}

struct Outcome {
  Verdict verdict = Verdict::kPassed;
  std::uint64_t seq = 0;  ///< of the event, for a duplicate of its first; 0 with kPassed and kRefused

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// The outcome of an event that is to be taken.
struct Taken : Outcome {
  const char* why_refused = nullptr;  ///< with kRefused
  /// With kProcessed: it comes behind events of its topic that are in doubt, or in the broker's queue, and so must not be
  /// routed by the broker itself.
  bool is_behind = false;
};

}  // namespace dedup
