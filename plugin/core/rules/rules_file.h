// The rules file: JSON read strictly, with messages that a person can act on.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/rules/rule_set.h"

namespace dedup {

inline constexpr std::size_t kRulesFileBytesMax = std::size_t{8} << 20;

struct RulesFile {
  /// Nothing if there are errors.
  std::optional<RuleSet> rules;
  /// Sentences, each with the line, the rule and the member that it is about, what is wrong, and what is expected; the
  /// first 20 of them.
  std::vector<std::string> errors;
  /// The same for what works, but not as it seems.
  std::vector<std::string> warnings;
};

/// Reads the text of a rules file:
///
///     {"rules": [{"name": …, "topics": […], "key": […], "ignore_levels": …, "ignore": […], "window": …, "mode": …,
///                 "store": …}, …],
///      "default": true}
///
/// `default_rule`, the one that the plugin's options make, comes last unless the file says "default": false.
/// All that the file says must have a meaning: unknown and repeated members, values of another type, and what can never
/// match or has no effect are errors. Errors of the call: std::bad_alloc.
RulesFile ParseRules(std::string_view text, const DefaultRule& default_rule);

/// The same for a file; what keeps it from being read is an error as well.
RulesFile ReadRulesFile(const std::filesystem::path& path, const DefaultRule& default_rule);

}  // namespace dedup
