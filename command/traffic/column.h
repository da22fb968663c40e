// One thing that can be a part of a key, as all messages of a group have it.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dedup::command {

inline constexpr std::size_t kColumnsMax = 128;

/// Some of a table's columns.
using ColumnSet = std::bitset<kColumnsMax>;

struct Column {
  enum class Place : std::uint8_t {
    kLevel,     ///< a topic's level
    kClient,    ///< the publisher's id
    kProperty,  ///< a user property
    kMember,    ///< a value in JSON
    kEither,    ///< a user property, or the member of the same name
    kField,     ///< of protobuf
    kPayload,   ///< all bytes
    kRest,      ///< all members for which there is no column
  };

  Place place = Place::kPayload;
  std::string name;       ///< pointer, property's name, field's path; empty for others
  std::size_t level = 0;  ///< kLevel: from 0

  std::vector<std::uint32_t> values;       ///< by row: a number for what is there; 0: nothing
  std::vector<std::uint32_t> value_count;  ///< by value: rows that have it
  std::vector<double> value_number;        ///< by value: as a number or a moment in seconds; NaN where it is neither
  std::vector<std::uint32_t> value_size;   ///< by value: characters

  // What kind of thing it is.
  std::size_t distinct_count = 0;  ///< values, nothing among them
  bool is_constant = false;
  bool has_numbers = false;    ///< or true and false, rather than texts
  bool has_fractions = false;  ///< numbers that are not whole: measurements
  bool is_persistent = false;  ///< few values, each through most of the capture: devices, rooms, states
  bool is_time = false;        ///< follows the clock
  bool is_coarse = false;      ///< the same in whole seconds, so that two events may have it in common
  bool is_random = false;      ///< long and nearly always another
  bool is_fleeting = false;    ///< each value is gone soon
  bool is_counter = false;     ///< in a topic mostly one to five more than before

  bool IsThere(std::size_t row) const { return values[row] != 0; }
  /// Whether it says where a message was published, or by whom, rather than what.
  bool IsSide() const { return place == Place::kLevel || place == Place::kClient; }
};

/// A hash of a value in a column, for keys that are sums of them.
constexpr std::uint64_t HashOf(std::size_t column, std::uint32_t value) {
  std::uint64_t hash = (column + 1) * 0x9E3779B97F4A7C15 ^ (value + 0x632BE59BD9B4E019) * 0xD6E8FEB86659FD93;
  hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93;
  hash = (hash ^ hash >> 29) * 0xBF58476D1CE4E5B9;
  return hash ^ hash >> 32;
}

}  // namespace dedup::command
