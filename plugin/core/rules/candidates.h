// Rules that have topics in common, put together so that a payload is read once for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "plugin/core/rules/pointer_tree.h"
#include "plugin/core/rules/rule_set.h"

namespace dedup {

/// The rules that a publish is shown to, in their order. Immutable; refers to the RuleSet that it was made of.
struct Candidates {
  struct Source {
    dedup::Source::Kind kind = dedup::Source::Kind::kPayload;
    std::uint32_t place = 0;  ///< the pointer's node, the field's node, or the property's number
  };
  struct Part {
    std::uint16_t number = 0;  ///< its place in the key
    bool optional = false;
    std::uint32_t first_source = 0;
    std::uint32_t source_count = 0;
  };
  struct Rule {
    std::uint16_t number = 0;  ///< in the RuleSet
    bool observes = false;
    std::uint32_t first_part = 0;
    std::uint32_t part_count = 0;
  };

  Candidates() = default;
  /// `numbers`: rules of the set, ascending, the default rule's perhaps last. Errors: std::bad_alloc.
  Candidates(const RuleSet& set, std::span<const std::uint16_t> numbers);

  std::span<const Part> PartsOf(const Rule& rule) const {
    return std::span(parts).subspan(rule.first_part, rule.part_count);
  }
  std::span<const Source> SourcesOf(const Part& part) const {
    return std::span(sources).subspan(part.first_source, part.source_count);
  }
  /// About how much memory it has.
  std::size_t bytes() const;

  std::vector<Rule> rules;  ///< those of the file
  bool has_default = false;
  std::vector<Part> parts;  ///< of a rule: in the order in which they are best looked for
  std::vector<Source> sources;
  PointerTree pointers;
  PointerTree fields;                                ///< their numbers as the tokens of pointers
  std::vector<std::string_view> properties;          ///< names by number, ascending
  PointerTree::Node id_member = PointerTree::kNone;  ///< the default rule's
};

}  // namespace dedup
