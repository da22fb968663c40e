#include "plugin/core/rules/rules_file.h"

#include <cjson/cJSON.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include "plugin/core/base/errors.h"
#include "plugin/core/base/file.h"
#include "plugin/core/rules/rule_checks.h"
#include "plugin/core/rules/rule_lines.h"
#include "plugin/core/rules/shown.h"
#include "plugin/core/text/json.h"
#include "plugin/core/text/topic_filter.h"
#include "plugin/core/text/units.h"

namespace dedup {
namespace {

constexpr std::size_t kErrorsMax = 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string TypeOf(const cJSON* item) {
  if (cJSON_IsString(item)) return "a string";
  if (cJSON_IsNumber(item)) return "a number";
  if (cJSON_IsBool(item)) return cJSON_IsTrue(item) ? "true" : "false";
  if (cJSON_IsNull(item)) return "null";
  return cJSON_IsArray(item) ? "an array" : "an object";
}

class Parser {
 public:
  Parser(std::string_view text, const DefaultRule& default_rule) : lines_(text), default_rule_(default_rule) {}

  RulesFile Read(const cJSON* document) {
    RuleSet set;
    set.default_rule = default_rule_;
    ReadDocument(document, &set);
    if (file_.errors.size() > kErrorsMax) {
      const std::size_t more = file_.errors.size() - kErrorsMax;
      file_.errors.resize(kErrorsMax);
      file_.errors.push_back("and " + std::to_string(more) + " more");
    }
    if (file_.errors.empty()) {
      std::ranges::move(UnreachableRules(set), std::back_inserter(file_.warnings));
      file_.rules = std::move(set);
    }
    return std::move(file_);
  }

 private:
  struct Member {
    std::string_view name;
    void (Parser::*read)(const cJSON* item, Rule* rule);
  };
  static const Member kMembers[8];

  void Fail(const std::string& what) { file_.errors.push_back(what); }

  // About a member of the rule that is being read.
  std::string About(const std::string& member, const std::string& what) const {
    return "line " + std::to_string(lines_.Of(number_, member)) + ": " + rule_ +
           (member.empty() ? "" : ", \"" + member + "\"") + ": " + what;
  }
  void FailAt(std::string_view member, const std::string& what) { Fail(About(std::string(member), what)); }

  void ReadDocument(const cJSON* document, RuleSet* set) {
    if (!cJSON_IsObject(document)) {
      Fail("the file is " + TypeOf(document) + "; expected an object: {\"rules\": […]}");
      return;
    }
    std::vector<std::string> seen;
    const cJSON* item = nullptr;
    cJSON_ArrayForEach(item, document) {
      const std::string name = item->string;
      if (std::ranges::find(seen, name) != seen.end()) {
        Fail("the member \"" + name + "\" stands there twice");
      } else if (name == "rules") {
        ReadRules(item, &set->rules);
      } else if (name == "default") {
        if (!cJSON_IsBool(item)) Fail("\"default\" is " + TypeOf(item) + "; expected true or false");
        if (cJSON_IsFalse(item)) set->default_rule.reset();
      } else {
        Fail("unknown member " + Shown(name) + "; the file's members are \"rules\" and \"default\"");
      }
      seen.push_back(name);
    }
    if (std::ranges::find(seen, "rules") == seen.end()) {
      Fail("the member \"rules\" is missing; expected an array of rules");
    }
  }

  void ReadRules(const cJSON* item, std::vector<Rule>* rules) {
    if (!cJSON_IsArray(item)) {
      Fail("\"rules\" is " + TypeOf(item) + "; expected an array of rules");
      return;
    }
    if (const auto count = static_cast<std::size_t>(cJSON_GetArraySize(item)); count > kRulesMax) {
      Fail("there are " + std::to_string(count) + " rules; there may be " + std::to_string(kRulesMax) + " at most");
      return;
    }
    const cJSON* rule_item = nullptr;
    cJSON_ArrayForEach(rule_item, item) {
      rule_ = "rule " + std::to_string(number_ + 1);
      rules->push_back(ReadRule(rule_item));
      const std::string& name = rules->back().name;
      const auto same = std::ranges::find(*rules, name, &Rule::name);
      if (!name.empty() && same != rules->end() - 1) {
        FailAt("name", "rule " + std::to_string(same - rules->begin() + 1) +
                           " has that name already; expected one of its own, for it keeps the rules' ids apart");
      }
      ++number_;
    }
    CheckWindows(*rules);
  }

  void CheckWindows(const std::vector<Rule>& rules) {
    std::vector<std::chrono::milliseconds> windows;
    for (const Rule& rule : rules) {
      if (rule.window && std::ranges::find(windows, *rule.window) == windows.end()) windows.push_back(*rule.window);
    }
    if (windows.size() < kWindowsMax) return;  // with the plugin's own
    Fail("the rules have " + std::to_string(windows.size()) + " different windows; there may be " +
         std::to_string(kWindowsMax - 1) + " at most");
  }

  Rule ReadRule(const cJSON* item) {
    Rule rule;
    if (!cJSON_IsObject(item)) {
      FailAt("", "it is " + TypeOf(item) + "; expected an object with name, topics, key and window");
      return rule;
    }
    // The name first: what is said of the others speaks of the rule by its name.
    if (const cJSON* const name = cJSON_GetObjectItemCaseSensitive(item, "name")) ReadName(name, &rule);
    const std::size_t errors_before = file_.errors.size();
    std::vector<std::string> seen;
    const cJSON* member = nullptr;
    cJSON_ArrayForEach(member, item) {
      const std::string name = member->string;
      const auto known = std::ranges::find(kMembers, name, &Member::name);
      if (std::ranges::find(seen, name) != seen.end()) {
        FailAt(name, "it stands there twice");
      } else if (known == std::end(kMembers)) {
        Fail("line " + std::to_string(lines_.Of(number_, name)) + ": " + rule_ + ": unknown member " + Shown(name) +
             "; a rule's members are " + MemberNames());
      } else if (known->read != nullptr) {
        (this->*known->read)(member, &rule);
      }
      seen.push_back(name);
    }
    const auto require = [&](std::string_view name, std::string_view takes) {
      if (std::ranges::find(seen, name) == seen.end()) FailAt(name, "it is missing; expected " + std::string(takes));
    };
    require("name", "a name of 1 to 32 of the characters A-Z a-z 0-9 _ -");
    require("topics", "an array of MQTT topic filters, one at least");
    require("key", "an array of parts, such as [\"/id\"]");
    if (file_.errors.size() != errors_before) return rule;
    for (const RuleProblem& problem : CheckRule(rule)) {
      const std::string sentence = About(problem.member, problem.what);
      (problem.is_error ? file_.errors : file_.warnings).push_back(sentence);
    }
    return rule;
  }

  static std::string MemberNames() {
    std::string names;
    for (const Member& member : kMembers) names += (names.empty() ? "" : ", ") + std::string(member.name);
    return names;
  }

  // The text of a string; an error about the member, and nothing, for another value.
  std::optional<std::string> TextOf(const cJSON* item, std::string_view member, std::string_view takes) {
    if (cJSON_IsString(item)) return item->valuestring;
    FailAt(member, TypeOf(item) + " cannot be used; expected " + std::string(takes));
    return std::nullopt;
  }

  // Calls read(text) for each string of an array that has `count_max` elements at most.
  template <class Read>
  void ReadTexts(const cJSON* item, std::string_view member, std::size_t count_max, const std::string& takes,
                 const Read& read) {
    if (!cJSON_IsArray(item)) {
      FailAt(member, TypeOf(item) + " cannot be used; expected an array of " + takes);
      return;
    }
    if (static_cast<std::size_t>(cJSON_GetArraySize(item)) > count_max) {
      FailAt(member, "there may be " + std::to_string(count_max) + " of them at most");
      return;
    }
    const cJSON* element = nullptr;
    cJSON_ArrayForEach(element, item) {
      if (const auto text = TextOf(element, member, takes)) read(*text);
    }
  }

  void ReadName(const cJSON* item, Rule* rule) {
    const auto text = TextOf(item, "name", kRuleNameTakes);
    if (!text) return;
    if (!IsRuleName(*text)) {
      FailAt("name", Shown(*text) + " is no name; expected " + std::string(kRuleNameTakes));
    } else if (*text == kDefaultRuleName) {
      FailAt("name", "'default' is the name of the rule that the plugin's options make; expected another one");
    } else {
      rule->name = *text;
      rule_ = "rule " + Shown(*text);
    }
  }

  void ReadTopics(const cJSON* item, Rule* rule) {
    ReadTexts(item, "topics", kRuleTopicsMax, "MQTT topic filters", [&](const std::string& filter) {
      if (filter.starts_with('$')) {
        FailAt("topics", Shown(filter) + " can never match: topics beginning with $ are never deduplicated; expected " +
                             (filter.starts_with("$share/") ? "the filter without $share and the group"
                                                            : "a filter that does not begin with $"));
      } else if (!IsTopicFilter(filter)) {
        FailAt("topics", Shown(filter) +
                             " is no MQTT topic filter; expected one such as home/+/state or home/#: + and # "
                             "are whole levels, and # is the last one");
      } else if (std::ranges::find(rule->topics, filter) != rule->topics.end()) {
        FailAt("topics", Shown(filter) + " stands there twice");
      } else {
        rule->topics.push_back(filter);
      }
    });
    if (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 0) {
      FailAt("topics", "it is empty; expected an array of MQTT topic filters, one at least");
    }
  }

  void ReadKey(const cJSON* item, Rule* rule) {
    ReadTexts(item, "key", kKeyPartsMax, "parts such as /id, property:NAME, payload, client, username or pb:1.6",
              [&](const std::string& text) {
                std::string problem;
                const auto part = ParsePart(text, &problem);
                if (!part) {
                  FailAt("key", problem);
                } else if (std::ranges::find(rule->key, *part) != rule->key.end()) {
                  FailAt("key", Shown(text) + " stands there twice");
                } else {
                  rule->key.push_back(*part);
                }
              });
  }

  void ReadIgnoredLevels(const cJSON* item, Rule* rule) {
    const std::string takes =
        "\"all\", or an array of level numbers: 1, 2 … from the front, -1, -2 … from the end, up to ±" +
        std::to_string(kTopicLevelMax);
    if (cJSON_IsString(item) && item->valuestring == std::string_view("all")) {
      rule->ignores_all_levels = true;
      return;
    }
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) == 0) {
      FailAt("ignore_levels", (cJSON_IsString(item)  ? Shown(item->valuestring)
                               : cJSON_IsArray(item) ? "an empty array"
                                                     : TypeOf(item)) +
                                  " cannot be used; expected " + takes);
      return;
    }
    const cJSON* element = nullptr;
    cJSON_ArrayForEach(element, item) {
      const double number = cJSON_IsNumber(element) ? element->valuedouble : 0;
      if (number == 0 || std::abs(number) > kTopicLevelMax || number != std::trunc(number)) {
        FailAt("ignore_levels", (cJSON_IsNumber(element) ? "the number" : TypeOf(element)) +
                                    std::string(" cannot be used; expected ") + takes);
        return;
      }
      const int level = static_cast<int>(number);
      if (std::ranges::find(rule->ignored_levels, level) != rule->ignored_levels.end()) {
        FailAt("ignore_levels", std::to_string(level) + " stands there twice");
        return;
      }
      rule->ignored_levels.push_back(level);
    }
    std::ranges::sort(rule->ignored_levels);
    if (rule->ignored_levels.size() > kIgnoredLevelsMax) {
      FailAt("ignore_levels", "there may be " + std::to_string(kIgnoredLevelsMax) + " of them at most");
    }
  }

  void ReadIgnoredMembers(const cJSON* item, Rule* rule) {
    ReadTexts(item, "ignore", kIgnoredMembersMax, "JSON Pointers such as /rssi", [&](const std::string& text) {
      auto pointer = ParseJsonPointer(text);
      if (!pointer || pointer->empty()) {
        FailAt("ignore", Shown(text) +
                             " is no JSON Pointer to a member; expected / before each name, such as /rssi or "
                             "/meta/seen, with ~0 for ~ and ~1 for / in a name");
      } else if (text.size() > kPointerBytesMax || pointer->size() > kPointerTokensMax) {
        FailAt("ignore", Shown(text) + " is too long: a pointer has at most " + std::to_string(kPointerBytesMax) +
                             " bytes and " + std::to_string(kPointerTokensMax) + " steps");
      } else if (std::ranges::find(rule->ignored_members, *pointer) != rule->ignored_members.end()) {
        FailAt("ignore", Shown(text) + " stands there twice");
      } else {
        rule->ignored_members.push_back(std::move(*pointer));
      }
    });
    std::ranges::sort(rule->ignored_members);
    if (cJSON_IsArray(item) && cJSON_GetArraySize(item) == 0) {
      FailAt("ignore", "it is empty; expected JSON Pointers such as /rssi, or no \"ignore\"");
    }
  }

  void ReadWindow(const cJSON* item, Rule* rule) {
    const auto text = TextOf(item, "window", kWindowTakes);
    if (!text) return;
    if (*text == "forever") {
      rule->window = kForever;
      return;
    }
    const auto duration = ParseDuration(*text);
    if (!duration) {
      FailAt("window", Shown(*text) + " is no duration; expected " + std::string(kWindowTakes));
    } else if (*duration < kWindowMin) {
      FailAt("window", Shown(*text) + " is too short; expected " + std::string(kWindowTakes));
    } else {
      rule->window = *duration;
    }
  }

  // One of two words.
  void ReadWord(const cJSON* item, std::string_view member, std::string_view first, std::string_view second,
                bool* is_second) {
    const std::string takes = "\"" + std::string(first) + "\" or \"" + std::string(second) + "\"";
    const auto text = TextOf(item, member, takes);
    if (!text) return;
    *is_second = *text == second;
    if (*text != first && *text != second) FailAt(member, Shown(*text) + " is unknown; expected " + takes);
  }
  void ReadMode(const cJSON* item, Rule* rule) {
    bool observes = false;
    ReadWord(item, "mode", "drop", "observe", &observes);
    rule->mode = observes ? RuleMode::kObserve : RuleMode::kDrop;
  }
  void ReadStore(const cJSON* item, Rule* rule) {
    bool id_only = false;
    ReadWord(item, "store", "event", "id", &id_only);
    rule->store = id_only ? RuleStore::kId : RuleStore::kEvent;
  }

  const RuleLines lines_;
  const DefaultRule& default_rule_;
  RulesFile file_;
  std::size_t number_ = 0;  // of the rule that is being read
  std::string rule_;        // what it is called in messages
};

// `name` is read before the others.
const Parser::Member Parser::kMembers[8] = {
    {"name", nullptr},
    {"topics", &Parser::ReadTopics},
    {"key", &Parser::ReadKey},
    {"ignore_levels", &Parser::ReadIgnoredLevels},
    {"ignore", &Parser::ReadIgnoredMembers},
    {"window", &Parser::ReadWindow},
    {"mode", &Parser::ReadMode},
    {"store", &Parser::ReadStore},
};

}  // namespace

RulesFile ParseRules(std::string_view text, const DefaultRule& default_rule) {
  RulesFile file;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  // cJSON takes bytes that are no UTF-8, and says neither what is wrong nor where; a NUL would end its texts.
  json::Reader reader(text);
  json::Value document;
  if (!reader.ReadDocument(&document)) {
    file.errors.push_back(PlaceOf(text, reader.offset()) + ": this is no JSON: " + reader.reason());
    return file;
  }
  if (const std::size_t nul = text.find("\\u0000"); nul != std::string_view::npos) {
    file.errors.push_back(PlaceOf(text, nul) + ": a NUL character (\\u0000) cannot be used in a rule");
    return file;
  }
  const std::unique_ptr<cJSON, decltype(&cJSON_Delete)> tree(cJSON_ParseWithLength(text.data(), text.size()),
                                                             cJSON_Delete);
  if (tree == nullptr) {
    file.errors.push_back("the JSON is nested too deeply, or there is no memory for it");
    return file;
  }
  return Parser(text, default_rule).Read(tree.get());
}

RulesFile ReadRulesFile(const std::filesystem::path& path, const DefaultRule& default_rule) {
  RulesFile file;
  try {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (error) throw StorageError("open", path, error.message());
    if (!std::filesystem::is_regular_file(status)) throw StorageError("open", path, "it is no regular file");
    const File source(path, File::Mode::kRead);
    if (source.size_bytes() > kRulesFileBytesMax) {
      throw StorageError("read", path, "a rules file has 8 MiB at most");
    }
    std::string text(source.size_bytes(), '\0');
    text.resize(source.ReadAt(0, text.data(), text.size()));
    file = ParseRules(text, default_rule);
  } catch (const StorageError& error) {
    file.errors.push_back(error.what());
  }
  return file;
}

}  // namespace dedup
