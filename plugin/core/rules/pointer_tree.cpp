#include "plugin/core/rules/pointer_tree.h"

#include <array>
#include <tuple>

#include "plugin/core/rules/rule.h"
#include "plugin/core/text/json.h"

namespace dedup {

// Sorted, the pointers that go through a node stand side by side, and so do those that go on to one child.
PointerTree::PointerTree(std::vector<JsonPointer> pointers) {
  std::ranges::sort(pointers);
  struct Range {
    std::size_t begin, end, depth;
  };
  std::vector<Range> ranges = {{0, pointers.size(), 0}};  // of each node
  nodes_.emplace_back();
  for (Node number = 0; number < ranges.size(); ++number) {
    auto [begin, end, depth] = ranges[number];
    NodeData node;
    for (; begin != end && pointers[begin].size() == depth; ++begin) node.is_end = true;
    node.first_child = static_cast<std::uint32_t>(children_.size());
    node.first_element = static_cast<std::uint32_t>(elements_.size());
    while (begin != end) {
      const std::string& token = pointers[begin][depth];
      const auto first = begin;
      while (begin != end && pointers[begin][depth] == token) {
        node.has_grandchildren |= pointers[begin].size() > depth + 1;
        ++begin;
      }
      const auto child = static_cast<Node>(ranges.size());
      ranges.push_back({first, begin, depth + 1});
      nodes_.emplace_back();
      children_.push_back({static_cast<std::uint32_t>(token.size()), static_cast<std::uint32_t>(names_.size()), child});
      names_ += token;
      node.name_sizes |= std::uint64_t{1} << std::min<std::size_t>(token.size(), 63);
      if (const auto index = ArrayIndex(token)) elements_.push_back({*index, child});
    }
    node.child_count = static_cast<std::uint32_t>(children_.size()) - node.first_child;
    node.element_count = static_cast<std::uint32_t>(elements_.size()) - node.first_element;
    std::ranges::sort(children_.begin() + node.first_child, children_.end(), {},
                      [this](const Child& named) { return std::tuple(named.size, NameOf(named)); });
    std::ranges::sort(elements_.begin() + node.first_element, elements_.end(), {}, &Element::index);
    nodes_[number] = node;
  }
}

PointerTree::Node PointerTree::Find(const JsonPointer& pointer) const {
  Node node = kRoot;
  for (const std::string& token : pointer) {
    if (node != kNone) node = Member(node, token);
  }
  return node;
}

PointerTree::Node PointerTree::MemberOfMany(const NodeData& node, std::string_view name) const {
  const auto children = ChildrenOf(node);
  const auto found =
      std::ranges::lower_bound(children, std::tuple(static_cast<std::uint32_t>(name.size()), name), {},
                               [this](const Child& child) { return std::tuple(child.size, NameOf(child)); });
  return found != children.end() && NameOf(*found) == name ? found->node : kNone;
}

PointerTree::Node PointerTree::EscapedMember(Node parent, std::string_view text) const {
  const std::string_view inner = json::Inner(text);
  if (inner.find('\\') == std::string_view::npos) return Member(parent, inner);
  std::array<char, kPointerBytesMax> name;  // a longer one is none of ours
  const auto size = json::Unescape(text, name.data(), name.size());
  return size ? Member(parent, {name.data(), *size}) : kNone;
}

}  // namespace dedup
