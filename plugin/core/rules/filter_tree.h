// Which rules a topic belongs to: their filters as one tree, a level of the topic after the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {

/// Threading: none of its own. Errors: std::bad_alloc.
class FilterTree {
 public:
  FilterTree() : nodes_(1) {}

  /// `filter` is a valid one of MQTT that does not begin with `$`.
  void Add(std::string_view filter, std::uint16_t rule);

  /// Writes the rules whose filters match to `rules`, each once, in ascending order. The topic does not begin with `$`.
  /// Takes time for the topic's levels and for the filters that match their beginning, not for all filters.
  void Match(std::string_view topic, std::vector<std::uint16_t>* rules);

 private:
  using Node = std::uint32_t;
  static constexpr Node kNone = UINT32_MAX;
  struct Child {
    std::string level;
    Node node;
  };
  struct NodeData {
    std::vector<Child> children;       // by level
    Node any = kNone;                  // the child that is "+"
    std::vector<std::uint16_t> here;   // rules whose filter ends here
    std::vector<std::uint16_t> below;  // rules whose filter goes on with "#" and ends
  };

  Node MakeChild(Node parent, std::string_view level);
  void Enter(Node node, std::vector<std::uint16_t>* rules);

  std::vector<NodeData> nodes_;
  std::vector<Node> active_;  // nodes that the topic's beginning has led to
  std::vector<Node> entered_;
};

}  // namespace dedup
