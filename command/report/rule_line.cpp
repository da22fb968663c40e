#include "command/report/rule_line.h"

#include <string_view>

#include "plugin/core/rules/rule_set.h"

namespace dedup::command {
namespace {

void AddTo(std::string* list, std::string_view word) { list->append(list->empty() ? "" : ", ").append(word); }

}  // namespace

std::string WindowText(std::chrono::milliseconds window) {
  if (window == kForever) return "forever";
  constexpr struct {
    std::int64_t ms;
    const char* unit;
  } kUnits[] = {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}};
  for (const auto& unit : kUnits) {
    if (window.count() % unit.ms == 0) return std::to_string(window.count() / unit.ms) + unit.unit;
  }
  return std::to_string(window.count()) + "ms";
}

std::string RuleLine(const Rule& rule) {
  std::string topics;
  for (const std::string& filter : rule.topics) AddTo(&topics, filter);
  std::string levels;
  for (const int level : rule.ignored_levels) AddTo(&levels, std::to_string(level));
  std::string key;
  for (const Part& part : rule.key) AddTo(&key, TextOf(part));
  std::string ignored;
  for (const JsonPointer& pointer : rule.ignored_members) AddTo(&ignored, JsonPointerText(pointer));

  std::string line = rule.name + ": " + topics;
  if (rule.ignores_all_levels) line += ", whichever it is";
  if (!levels.empty()) line += (rule.ignored_levels.size() == 1 ? " without level " : " without levels ") + levels;
  line += "; key " + (key.empty() ? "the topic alone" : key);
  if (!ignored.empty()) line += " without " + ignored;
  line += rule.window ? "; window " + WindowText(*rule.window) : "; the plugin's window";
  if (rule.store == RuleStore::kId) line += "; stores no payload";
  line += rule.mode == RuleMode::kObserve ? "; observes" : "; drops";
  return line;
}

std::string RuleLine(const DefaultRule& rule) {
  std::string topics;
  for (const std::string& filter : rule.topics) AddTo(&topics, filter);
  return std::string(kDefaultRuleName) + ": " + topics + "; key property:" + rule.id_property + "|" +
         JsonPointerText({rule.id_member}) +
         "; the plugin's window; made by the plugin's options, of which these are the defaults";
}

}  // namespace dedup::command
