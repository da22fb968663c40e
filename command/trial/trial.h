// What would happen if copies were recognised by all columns but some: a key tried on the messages themselves.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "command/traffic/table.h"
#include "command/trial/hearing.h"
#include "command/trial/refusals.h"

namespace dedup::command {

struct Trial {
  ColumnSet ignored;
  Reason reason;  ///< against it

  std::size_t event_count = 0;
  std::size_t repeated_count = 0;  ///< events with copies
  std::size_t copy_count = 0;
  // From an event's first message to its copies.
  double gap_median_s = 0;
  double gap_p99_s = 0;
  double gap_max_s = 0;
  double next_repeat_s =
      std::numeric_limits<double>::infinity();  ///< the nearest that is none: same key, another event
  double window_s = 0;
  double risk = 0;  ///< events expected to be taken for copies in another capture like this

  bool is_across = false;               ///< copies come from several sides: levels or the publisher are ignored
  bool ignores_level = false;           ///< copies come on several topics
  std::vector<std::size_t> identities;  ///< columns that are another for each event, the best one first
  bool has_sure_identity = false;       ///< one of them long and random, or a moment
  bool has_random_identity = false;     ///< one of them long and random
  double interval_s = 0;                ///< between events of a device, the median
  std::size_t stream_count = 0;         ///< devices, as far as topic, publisher or a member name them
  std::vector<RowPair> pairs;           ///< neighbours within events, if it is accepted
  RowPair not_joined = {0, 0};  ///< the nearest rows of two events with the same key, or of a device; equal: none

  bool is_accepted() const { return reason.refusal == Refusal::kNone; }
};

/// Tries keys on a table, which must outlive it.
class Trials {
 public:
  explicit Trials(const Table& table);

  /// Tries all columns but these as the key.
  Trial Try(const ColumnSet& ignored) const;

 private:
  const Table& table_;
  std::vector<std::uint64_t> sums_;  // by row: of the hashes of all values
};

}  // namespace dedup::command
