#include "plugin/core/rules/rule_lines.h"

#include <algorithm>
#include <utility>

namespace dedup {
namespace {

std::size_t NewLines(std::string_view text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

}  // namespace

std::string PlaceOf(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_begin = before.rfind('\n') + 1;  // 0 in the first line
  return "line " + std::to_string(NewLines(before) + 1) + ", column " + std::to_string(before.size() - line_begin + 1);
}

RuleLines::RuleLines(std::string_view text) : text_(text) {
  json::Reader reader(text);
  std::string_view name;
  json::Value value;
  if (!reader.EnterObject()) return;
  while (reader.NextName(&name)) {
    if (json::Means(name, "rules") && rules_.empty() && reader.EnterArray()) {
      ReadRules(reader);
    } else {
      reader.ReadValue(&value);
    }
  }
}

std::size_t RuleLines::Of(std::size_t rule, const std::string& member) const {
  if (rule >= rules_.size()) return 1;
  const auto found = rules_[rule].members.find(member);
  return found == rules_[rule].members.end() ? rules_[rule].line : found->second;
}

void RuleLines::ReadRules(json::Reader& reader) {
  std::string_view name;
  json::Value value;
  while (reader.NextItem()) {
    Rule rule;
    rule.line = LineAt(text_.find_first_not_of(" \t\r\n", reader.offset()));
    if (!reader.EnterObject()) {
      reader.ReadValue(&value);
    } else {
      while (reader.NextMember(&name, &value)) {
        rule.members.emplace(json::Unescape(name), LineAt(static_cast<std::size_t>(name.data() - text_.data())));
      }
    }
    rules_.push_back(std::move(rule));
  }
}

// Asked for from the beginning to the end, so that no line is counted twice.
std::size_t RuleLines::LineAt(std::size_t offset) {
  line_ += NewLines(text_.substr(counted_, offset - counted_));
  counted_ = offset;
  return line_;
}

}  // namespace dedup
