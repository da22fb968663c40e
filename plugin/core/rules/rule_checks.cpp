#include "plugin/core/rules/rule_checks.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <span>

#include "plugin/core/rules/shown.h"

namespace dedup {
namespace {

using Problems = std::vector<RuleProblem>;

// "#", "+/#", "+/+/#" …: there is no level that a topic must have.
bool MatchesEverything(std::string_view filter) {
  while (filter.starts_with("+/")) filter.remove_prefix(2);
  return filter == "#";
}

std::vector<std::string_view> LevelsOf(std::string_view filter) {
  std::vector<std::string_view> levels;
  for (std::size_t begin = 0; begin != std::string_view::npos;) {
    const std::size_t slash = filter.find('/', begin);
    levels.push_back(filter.substr(begin, slash - begin));
    begin = slash == std::string_view::npos ? slash : slash + 1;
  }
  return levels;
}

// The filter's level with that number; nothing: no topic of the filter has it; "#": some have.
std::optional<std::string_view> LevelAt(std::string_view filter, int number) {
  const auto levels = LevelsOf(filter);
  const auto count = static_cast<int>(levels.size());
  const bool is_open = levels.back() == "#";
  if (is_open && (number < 0 || number >= count)) return "#";
  const int place = number > 0 ? number - 1 : count + number;
  if (place < 0 || place >= count) return std::nullopt;
  return levels[static_cast<std::size_t>(place)];
}

bool IsWithin(const JsonPointer& inner, const JsonPointer& outer) {
  return inner.size() > outer.size() && std::ranges::equal(std::span(inner).first(outer.size()), outer);
}

void CheckPayload(const Rule& rule, Problems* problems) {
  if (!rule.window) {
    problems->push_back({"window",
                         "it is missing; where payload is a part of the key, a window is needed, because the "
                         "same value may well come again later; expected " +
                             std::string(kWindowTakes)});
  }
  const auto everything = std::ranges::find_if(rule.topics, MatchesEverything);
  if (everything != rule.topics.end()) {
    problems->push_back({"topics", Shown(*everything) +
                                       " matches every topic, where a payload that comes twice is seldom an event that "
                                       "comes twice; expected the topics of one kind of message, such as "
                                       "home/+/BTtoMQTT/+"});
  }
}

// A part is of use only if each of its sources is.
void CheckPart(const Rule& rule, const Part& part, Problems* problems) {
  const std::string text = Shown(TextOf(part));
  for (const Source& source : part.sources) {
    const bool is_payload = source.kind == Source::Kind::kPayload;
    if (is_payload && part.optional) {
      problems->push_back({"key", text + ": payload cannot be optional, because all that cannot be read would then be "
                                         "one event; expected it without ?"});
    }
    const bool is_always_there = source.kind == Source::Kind::kClient || (is_payload && rule.ignored_members.empty());
    if (is_always_there && &source != &part.sources.back()) {
      problems->push_back({"key", text + ": " + TextOf(source) +
                                      " is always there, so what stands behind it is never used; expected it last"});
    }
  }
}

void CheckIgnoredMembers(const Rule& rule, Problems* problems) {
  if (!rule.ignored_members.empty() && !rule.HasPart(Source::Kind::kPayload)) {
    problems->push_back(
        {"ignore", "it has no effect, because payload is no part of the key; expected a key with payload"});
  }
  for (const JsonPointer& inner : rule.ignored_members) {
    for (const JsonPointer& outer : rule.ignored_members) {
      if (!IsWithin(inner, outer)) continue;
      problems->push_back({"ignore", Shown(JsonPointerText(inner)) + " has no effect, because " +
                                         Shown(JsonPointerText(outer)) +
                                         " leaves it out already; expected one of them"});
    }
  }
}

void CheckIgnoredLevel(const Rule& rule, int level, Problems* problems) {
  std::vector<std::string_view> found;
  for (const std::string& filter : rule.topics) {
    if (const auto at = LevelAt(filter, level)) found.push_back(*at);
  }
  const std::string number = std::to_string(level);
  if (found.empty()) {
    problems->push_back({"ignore_levels", "no topic of the rule has a level " + number +
                                              "; expected one that its topics have (1 is the first, -1 the last)"});
    return;
  }
  const bool varies =
      std::ranges::any_of(found, [&](std::string_view at) { return at == "+" || at == "#" || at != found.front(); });
  if (varies) return;
  problems->push_back({"ignore_levels",
                       "level " + number + " has no effect: it is " + Shown(found.front()) +
                           " in all topics of the rule (1 is the first level, -1 the last)",
                       false});
}

// A key that need not have anything in it, or says only who publishes: on a topic of many messages all but the first
// would be lost. It may still be right where the topic names the event.
void CheckTellsApart(const Rule& rule, Problems* problems) {
  const auto tells_nothing = [](const Part& part) {
    return part.optional || std::ranges::all_of(part.sources, [](const Source& source) {
             return source.kind == Source::Kind::kClient || source.kind == Source::Kind::kUsername;
           });
  };
  if (rule.key.empty() || !std::ranges::all_of(rule.key, tells_nothing)) return;
  problems->push_back({"key",
                       "each part may be missing or names the publisher, so all messages of a publisher on one topic "
                       "can be one event; expected a part that tells events apart, such as /id or payload",
                       false});
}

}  // namespace

std::vector<RuleProblem> CheckRule(const Rule& rule) {
  Problems problems;
  if (rule.HasPart(Source::Kind::kPayload)) CheckPayload(rule, &problems);
  for (const Part& part : rule.key) CheckPart(rule, part, &problems);
  CheckIgnoredMembers(rule, &problems);
  for (const int level : rule.ignored_levels) CheckIgnoredLevel(rule, level, &problems);
  if (rule.ignores_all_levels && std::ranges::all_of(rule.key, &Part::optional)) {
    problems.push_back({"key",
                        "with \"ignore_levels\": \"all\" all messages could be one event; expected a part that "
                        "must be there"});
  } else {
    CheckTellsApart(rule, &problems);
  }
  return problems;
}

}  // namespace dedup
