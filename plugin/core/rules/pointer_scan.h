// What stands where a tree's pointers lead: a JSON payload read in one pass.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "plugin/core/rules/pointer_tree.h"
#include "plugin/core/text/json.h"

namespace dedup {

/// Strict: a payload that is not one JSON value (RFC 8259) from its first byte to its last has nothing anywhere.
/// Where an object on the way has a member twice, readers differ on which of them counts, so what stands there is in
/// doubt.
///
/// Run neither allocates nor calls the system. Views point into the payload. Threading: none of its own.
class PointerScan {
 public:
  enum class State : std::uint8_t { kNothing, kValue, kInDoubt };

  struct Found {
    State state = State::kNothing;
    json::Kind kind = json::Kind::kNull;
    bool has_escapes = false;  ///< a string's text has some, or might
    std::string_view text;     ///< of a scalar, as it stands: a string with its quotes
  };

  /// Makes room for trees of up to `node_count` nodes. Errors: std::bad_alloc.
  void Reserve(std::size_t node_count) {
    if (node_count > found_.size()) found_.resize(node_count);
  }

  /// Reads the payload. The tree has as many nodes as room was made for, at most, and one pointer at least.
  void Run(const PointerTree& tree, std::string_view payload);

  /// What the last Run found at a node; with kInDoubt the rest tells of the first of the values.
  Found At(PointerTree::Node node) const {
    const Entry& entry = found_[node];
    return entry.run == run_ && is_json_ ? entry.found : Found{};
  }
  bool is_json() const { return is_json_; }
  bool is_object() const { return is_object_; }   ///< or begins like one
  const char* reason() const { return reason_; }  ///< why it is no JSON; nullptr if it is
  std::size_t offset() const { return offset_; }  ///< where that shows

 private:
  struct Entry {
    std::uint64_t run = 0;  // the entry is of that Run
    Found found;
  };

  void ScanObject(json::Reader& reader, PointerTree::Node node);
  void ScanArray(json::Reader& reader, PointerTree::Node node);
  void ScanValue(json::Reader& reader, PointerTree::Node node);
  bool Visit(PointerTree::Node node);
  void NoteValue(const json::Reader& reader, PointerTree::Node node, const json::Value& value);
  void Doubt(PointerTree::Node node);

  const PointerTree* tree_ = nullptr;
  std::vector<Entry> found_;  // by node
  std::uint64_t run_ = 0;
  bool is_json_ = false;
  bool is_object_ = false;
  const char* reason_ = nullptr;
  std::size_t offset_ = 0;
};

}  // namespace dedup
