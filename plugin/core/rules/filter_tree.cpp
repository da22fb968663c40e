#include "plugin/core/rules/filter_tree.h"

#include <algorithm>

namespace dedup {
namespace {

// Takes the first level off `levels`; false when that was the last one.
bool TakeLevel(std::string_view* levels, std::string_view* level) {
  const std::size_t slash = levels->find('/');
  *level = levels->substr(0, slash);
  if (slash == std::string_view::npos) return false;
  levels->remove_prefix(slash + 1);
  return true;
}

}  // namespace

FilterTree::Node FilterTree::MakeChild(Node parent, std::string_view level) {
  const auto child = static_cast<Node>(nodes_.size());
  if (level == "+") {
    if (nodes_[parent].any != kNone) return nodes_[parent].any;
    nodes_[parent].any = child;
  } else {
    auto& children = nodes_[parent].children;
    const auto at = std::ranges::lower_bound(children, level, {}, &Child::level);
    if (at != children.end() && at->level == level) return at->node;
    children.insert(at, {std::string(level), child});
  }
  nodes_.emplace_back();
  return child;
}

void FilterTree::Add(std::string_view filter, std::uint16_t rule) {
  Node node = 0;
  std::string_view level;
  for (bool more = true; more;) {
    more = TakeLevel(&filter, &level);
    if (level == "#") {
      nodes_[node].below.push_back(rule);
      return;
    }
    node = MakeChild(node, level);
  }
  nodes_[node].here.push_back(rule);
}

// "a/#" matches "a" as well as what is below it.
void FilterTree::Enter(Node node, std::vector<std::uint16_t>* rules) {
  if (node == kNone) return;
  entered_.push_back(node);
  rules->insert(rules->end(), nodes_[node].below.begin(), nodes_[node].below.end());
}

void FilterTree::Match(std::string_view topic, std::vector<std::uint16_t>* rules) {
  rules->clear();
  entered_.clear();
  Enter(0, rules);
  std::string_view level;
  for (bool more = true; more && !entered_.empty();) {
    more = TakeLevel(&topic, &level);
    active_.swap(entered_);
    entered_.clear();
    for (const Node node : active_) {
      const auto& children = nodes_[node].children;
      const auto child = std::ranges::lower_bound(children, level, {}, &Child::level);
      if (child != children.end() && child->level == level) Enter(child->node, rules);
      Enter(nodes_[node].any, rules);
    }
  }
  for (const Node node : entered_) rules->insert(rules->end(), nodes_[node].here.begin(), nodes_[node].here.end());
  std::ranges::sort(*rules);
  rules->erase(std::unique(rules->begin(), rules->end()), rules->end());
}

}  // namespace dedup
