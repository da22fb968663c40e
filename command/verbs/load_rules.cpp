#include "command/verbs/load_rules.h"

#include <cstdio>

#include "command/base/input.h"
#include "plugin/core/rules/rules_file.h"

namespace dedup::command {

std::optional<RuleSet> LoadRules(const std::string& path) {
  const bool is_stdin = path == "-";
  RulesFile file = is_stdin ? ParseRules(ReadInput(path), DefaultRule{}) : ReadRulesFile(path, DefaultRule{});
  const char* const name = is_stdin ? "standard input" : path.c_str();
  for (const std::string& error : file.errors) std::fprintf(stderr, "%s: %s\n", name, error.c_str());
  for (const std::string& warning : file.warnings) std::fprintf(stderr, "%s: warning: %s\n", name, warning.c_str());
  return std::move(file.rules);
}

}  // namespace dedup::command
