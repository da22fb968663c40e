// Several JSON Pointers as one tree, so that a payload is read once for all of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/text/json_pointer.h"

namespace dedup {

/// A node stands for a place in a document: where a pointer leads, or where several go through.
class PointerTree {
 public:
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = UINT32_MAX;

  /// Elements of arrays that a node's pointers go through, by their index.
  struct Element {
    std::uint32_t index;
    Node node;
  };

  PointerTree() : nodes_(1) {}
  /// Errors: std::bad_alloc.
  explicit PointerTree(std::vector<JsonPointer> pointers);

  /// Where one of the pointers leads.
  Node Find(const JsonPointer& pointer) const;

  std::size_t size() const { return nodes_.size(); }
  /// About how much memory it has.
  std::size_t bytes() const {
    return nodes_.size() * sizeof(NodeData) + children_.size() * sizeof(Child) + elements_.size() * sizeof(Element) +
           names_.size();
  }
  /// Whether a pointer leads here.
  bool IsEnd(Node node) const { return nodes_[node].is_end; }
  bool HasChildren(Node node) const { return nodes_[node].child_count != 0; }
  bool HasGrandchildren(Node node) const { return nodes_[node].has_grandchildren; }

  /// The child that is the member `name`, without quotes and escapes; kNone without one.
  Node Member(Node parent, std::string_view name) const {
    const NodeData& node = nodes_[parent];
    if ((node.name_sizes >> std::min<std::size_t>(name.size(), 63) & 1) == 0) return kNone;
    if (node.child_count > kFewChildren) return MemberOfMany(node, name);
    for (const Child& child : ChildrenOf(node)) {
      if (child.size == name.size() && std::memcmp(names_.data() + child.name, name.data(), name.size()) == 0) {
        return child.node;
      }
    }
    return kNone;
  }
  /// The same for a name as a document has it, with quotes and perhaps escapes.
  Node EscapedMember(Node parent, std::string_view text) const;

  /// The children that may be elements of an array, in their order.
  std::span<const Element> Elements(Node parent) const {
    const NodeData& node = nodes_[parent];
    return std::span(elements_).subspan(node.first_element, node.element_count);
  }
  /// Calls body(child) for all children.
  template <class Body>
  void ForEachChild(Node parent, Body body) const {
    for (const Child& child : ChildrenOf(nodes_[parent])) body(child.node);
  }

 private:
  static constexpr std::uint32_t kFewChildren = 8;

  struct Child {
    std::uint32_t size;
    std::uint32_t name;  // where it begins in names_
    Node node;
  };
  struct NodeData {
    std::uint64_t name_sizes = 0;  // a bit for each size that a child's name has; the last: 63 and more
    std::uint32_t first_child = 0;
    std::uint32_t child_count = 0;
    std::uint32_t first_element = 0;
    std::uint32_t element_count = 0;
    bool is_end = false;
    bool has_grandchildren = false;
  };

  std::span<const Child> ChildrenOf(const NodeData& node) const {
    return std::span(children_).subspan(node.first_child, node.child_count);
  }
  std::string_view NameOf(const Child& child) const { return {names_.data() + child.name, child.size}; }
  Node MemberOfMany(const NodeData& node, std::string_view name) const;

  std::vector<NodeData> nodes_;
  std::vector<Child> children_;  // of a node: side by side, by size and then by name
  std::vector<Element> elements_;
  std::string names_;
};

}  // namespace dedup
