// Where two payloads of one key differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/text/json.h"

namespace dedup {

/// Bounded work: 0.2 ms at most, some microseconds for a few hundred bytes.
/// Threading: one thread. Errors: std::bad_alloc.
class PayloadComparison {
 public:
  static constexpr std::size_t kPayloadBytesMax = 4096;
  static constexpr std::size_t kPlacesMax = 32;

  /// The places where two different payloads differ, each once, in the rules file's words: `/rssi`, or `pb:1.6` for
  /// payloads that are protobuf. kWholePayload where it cannot be told: they are no JSON (no protobuf), too large or
  /// have too many values. kOrderOrBlanks where all values are the same. Holds until the next call.
  const std::vector<std::string>& Compare(std::string_view first, std::string_view copy, bool are_protobuf);

  static constexpr std::string_view kWholePayload = "payload";
  static constexpr std::string_view kOrderOrBlanks = "order or blanks";

 private:
  // A scalar or an empty container of a JSON text.
  struct Leaf {
    std::uint32_t way_begin;  // in ways_
    std::uint32_t way_bytes;
    bool has_escapes;
    json::Value value;
  };
  // A container that was entered.
  struct Container {
    bool is_object;
    bool is_empty;
    std::uint32_t index;  // of the next element
    std::size_t way_bytes;
  };
  struct Field {
    std::uint32_t number;
    std::uint32_t occurrence;
    std::uint32_t wire_type;
    std::string_view bytes;
  };

  bool CompareJson(std::string_view first, std::string_view copy);
  bool ReadLeaves(std::string_view payload, std::vector<Leaf>* leaves);
  bool AddLeaf(const json::Value& value, bool has_escapes, std::vector<Leaf>* leaves);
  void AppendToWay(std::string_view name, bool has_escapes);
  std::string_view WayOf(const Leaf& leaf) const {
    return std::string_view(ways_).substr(leaf.way_begin, leaf.way_bytes);
  }
  bool CompareFields(std::string_view first, std::string_view copy, const std::string& way, int depth);
  static bool ReadFields(std::string_view message, std::vector<Field>* fields);
  void AddPlace(std::string_view place);

  std::vector<Leaf> first_leaves_;
  std::vector<Leaf> copy_leaves_;
  std::vector<Container> containers_;
  std::string ways_;  // of all leaves
  std::string way_;   // to where the reader stands
  std::vector<std::string> places_;
};

}  // namespace dedup
