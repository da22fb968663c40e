// What stands in a protobuf payload's fields, read without a schema in one pass.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "plugin/core/rules/pointer_tree.h"

namespace dedup {

/// The tree's pointers are paths of field numbers ("1", "6"). Of a field the first occurrence counts; on the way to
/// another one it is a message of its own, or a group.
///
/// Strict: where the payload is not whole fields from its first byte to its last, there is nothing anywhere; where a
/// nested message is not, there is nothing in it. Groups nested deeper than kGroupDepthMax, in one message, are an
/// error.
///
/// Run neither allocates nor calls the system. Views point into the payload or in here. Threading: none of its own.
class FieldScan {
 public:
  static constexpr int kGroupDepthMax = 100;

  enum class Kind : std::uint8_t {
    kNothing,
    kNumber,  ///< varint, I32 or I64: `text` is its bits as a decimal number without a sign
    kBytes,   ///< LEN: `text` is what it holds, never empty
  };
  struct Found {
    Kind kind = Kind::kNothing;
    std::string_view text;
  };

  /// Makes room for trees of up to `node_count` nodes. Errors: std::bad_alloc.
  void Reserve(std::size_t node_count) {
    if (node_count > found_.size()) found_.resize(node_count);
  }

  /// Reads the payload. The tree has as many nodes as room was made for, at most.
  void Run(const PointerTree& tree, std::string_view payload);

  /// What the last Run found at a node.
  Found At(PointerTree::Node node) const {
    const Entry& entry = found_[node];
    if (entry.run != run_ || !is_message_ || entry.kind == Kind::kNothing) return {};
    if (entry.kind == Kind::kNumber) return {entry.kind, {entry.digits.data(), entry.size}};
    return {entry.kind, entry.bytes};
  }
  bool is_message() const { return is_message_; }

 private:
  struct Entry {
    std::uint64_t run = 0;  // the entry is of that Run
    Kind kind = Kind::kNothing;
    std::string_view bytes;
    std::array<char, 20> digits;
    std::uint8_t size = 0;  // of the digits
  };

  const char* ReadFields(const char* p, const char* end, PointerTree::Node node, std::uint32_t group, int depth);
  void ReadMessage(std::string_view bytes, PointerTree::Node node);
  PointerTree::Node Visit(PointerTree::Node parent, std::uint32_t number);
  void NoteNumber(PointerTree::Node node, std::uint64_t number);
  void NoteBytes(PointerTree::Node node, std::string_view bytes);
  void ForgetBelow(PointerTree::Node node);

  const PointerTree* tree_ = nullptr;
  std::vector<Entry> found_;  // by node
  std::uint64_t run_ = 0;
  bool is_message_ = false;
};

}  // namespace dedup
