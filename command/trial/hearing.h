// A key on trial: which rows it makes one event, and what can be measured of them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "command/traffic/table.h"
#include "command/trial/stream.h"

namespace dedup::command {

using RowPair = std::pair<std::uint32_t, std::uint32_t>;  // earlier and later

/// Rows with the same key are one event while the next comes within gap_max_s of the last.
///
/// The key is all columns but the ignored ones. Of those, levels, the publisher and lasting members are what tells the
/// sides apart from which copies come.
class Hearing {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// `keys` by row; `previous` by row: the last one with its key, or kNone.
  Hearing(const Table& table, const ColumnSet& ignored, const std::vector<std::uint64_t>& keys,
          const std::vector<std::uint32_t>& previous, double gap_max_s);

  const Table& table;
  const ColumnSet ignored;
  const std::vector<std::uint64_t>& keys;

  std::vector<std::uint32_t> event_of_row;
  std::vector<std::uint32_t> first_row;  ///< by event
  std::vector<std::uint32_t> size;       ///< by event
  std::vector<RowPair> pairs;            ///< neighbours within an event
  std::vector<double> ages_s;            ///< of copies, from their event's first row, sorted
  std::size_t repeated_count = 0;        ///< events of several rows
  std::vector<double> repeats_s;         ///< from an event to the next with the same key, sorted

  std::vector<std::size_t> kept;     ///< columns of the key that vary
  std::vector<std::size_t> sources;  ///< ignored columns that may tell sides apart
  std::vector<std::size_t> sides;    ///< of these: levels, the publisher, and texts of which an event has none twice
  bool ignores_publisher_only = false;
  bool ignores_delivery_only = false;  ///< when it was sent and how often was tried, or nothing
  double across_share = 0;             ///< of pairs: from different sides

  // By row, as hashes.
  std::vector<std::uint64_t> source;  ///< all columns of `sources`
  std::vector<std::uint64_t> side;    ///< all columns of `sides`
  std::vector<std::uint64_t> scope;   ///< the topic as far as it counts
  std::vector<std::uint64_t> wide;    ///< and the publisher, if it counts
  std::vector<std::uint64_t> device;  ///< and members that name a device
  std::vector<std::uint64_t> narrow;  ///< and other lasting members, as long as that leaves enough events to each
  Stream wide_stream;
  Stream narrow_stream;

  std::vector<RowPair> next_of_side;     ///< neighbours in a narrow stream and from the same side, of different events
  std::vector<RowPair> next_of_any;      ///< first rows of neighbouring events in a narrow stream
  std::vector<RowPair> next_in_topic;    ///< the same in a wide one
  std::vector<std::uint32_t> overtaken;  ///< by pair: events that began in its narrow stream between the two, sorted

  std::vector<std::size_t> identities;  ///< kept columns that are another for each event
  bool has_random_identity = false;     ///< one of them long and random
  bool has_sure_identity = false;       ///< one of them that or a moment
  bool has_random_payload = false;      ///< it is all that is known of the message, and none is like another
  bool is_own_whole = false;            ///< no two events of the last ones in a stream have the same key

  double gap_max_s() const { return ages_s.back(); }
  double interval_s() const;  ///< median of narrow_stream's
  std::size_t event_count() const { return first_row.size(); }

  /// The nearest first rows of two events with the same key; else, of two in a narrow stream; else a row twice.
  RowPair NearestApart() const;

  /// Share of pairs in which the column is the same.
  double AgreementIn(const std::vector<RowPair>& some, std::size_t column) const;

 private:
  void MakeEvents(const std::vector<std::uint32_t>& previous, double gap_max_s);
  void FindSides();
  bool NamesReceivers(const Column& column) const;
  void FindStreams();
  void FindNeighbours();
  void FindIdentities();
  Stream StreamOf(const std::vector<std::uint64_t>& stream) const;
  void AddTo(std::vector<std::uint64_t>* hashes, std::size_t column) const;
};

}  // namespace dedup::command
