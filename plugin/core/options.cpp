#include "plugin/core/options.h"

#include <set>

#include "plugin/core/base/errors.h"
#include "plugin/core/text/topic_filter.h"
#include "plugin/core/text/units.h"

namespace dedup {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

// Each of these returns whether the value was good.

bool ReadSpan(std::string_view text, Options::Span* span) {
  if (text == "forever") {
    span->reset();
    return true;
  }
  *span = ParseDuration(text);
  return span->has_value() && span->value().count() > 0;
}

bool ReadDuration(std::string_view text, std::chrono::milliseconds* duration) {
  const auto parsed = ParseDuration(text);
  if (parsed) *duration = *parsed;
  return parsed.has_value();
}

bool ReadName(std::string_view text, std::string* name) {
  *name = text;
  return !text.empty() && text.size() <= 256;
}

// A member of the object itself, not a path to one further down, nor several of them.
bool ReadMember(std::string_view text, std::string* name) {
  return text.find_first_of("./,[ \t") == std::string_view::npos && ReadName(text, name);
}

bool ReadTopics(std::string_view text, std::vector<std::string>* topics) {
  topics->clear();
  const std::string separators = std::string(kSpaces) + ",";
  while (true) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return !topics->empty();
    text.remove_prefix(begin);
    const std::string_view filter = text.substr(0, text.find_first_of(separators));
    if (!IsTopicFilter(filter) || filter.starts_with('$')) return false;
    topics->emplace_back(filter);
    text.remove_prefix(filter.size());
  }
}

struct Option {
  std::string_view name;
  std::string_view takes;
  bool (*read)(std::string_view text, Options* options);
};

constexpr std::string_view kSpanTakes = "a duration above zero such as 90s, 15m, 12h or 7d, or forever";
constexpr std::string_view kDurationTakes = "0 or a duration such as 100ms, 5s or 1m";

constexpr Option kOptions[] = {
    {"data_dir", "a directory",
     [](std::string_view text, Options* options) {
       options->data_dir = text;
       return !text.empty();
     }},
    {"topics", "MQTT topic filters that do not begin with $, separated by spaces or commas",
     [](std::string_view text, Options* options) { return ReadTopics(text, &options->topics); }},
    {"id_member",
     "the name of one member at the top level, 1 to 256 bytes, none of them . / , [ or a blank; for another member, "
     "write "
     "a rules file (plugin_opt_rules_file) with a JSON Pointer such as /data/id in its key",
     [](std::string_view text, Options* options) { return ReadMember(text, &options->id_member); }},
    {"id_property", "the name of an MQTT v5 user property, 1 to 256 bytes",
     [](std::string_view text, Options* options) { return ReadName(text, &options->id_property); }},
    {"rules_file", "a JSON file with rules",
     [](std::string_view text, Options* options) {
       options->rules_file = text;
       return !text.empty();
     }},
    {"journal_size", "a size from 64K to 64G, such as 64M or 1G",
     [](std::string_view text, Options* options) {
       const auto size = ParseSize(text);
       options->journal_bytes = size.value_or(0);
       return options->journal_bytes >= 64 << 10 && options->journal_bytes <= std::uint64_t{64} << 30;
     }},
    {"fsync_interval", kDurationTakes,
     [](std::string_view text, Options* options) { return ReadDuration(text, &options->fsync_interval); }},
    {"recovery_delay", kDurationTakes,
     [](std::string_view text, Options* options) { return ReadDuration(text, &options->recovery_delay); }},
    {"window", kSpanTakes, [](std::string_view text, Options* options) { return ReadSpan(text, &options->window); }},
    {"retention", kSpanTakes,
     [](std::string_view text, Options* options) { return ReadSpan(text, &options->retention); }},
    {"sys_interval", kDurationTakes,
     [](std::string_view text, Options* options) { return ReadDuration(text, &options->sys_interval); }},
    {"on_store_failure", "refuse or pass",
     [](std::string_view text, Options* options) {
       options->on_store_failure = text == "pass" ? OnStoreFailure::kPass : OnStoreFailure::kRefuse;
       return text == "pass" || text == "refuse";
     }},
};

std::string Names() {
  std::string names;
  for (const Option& option : kOptions) names += (names.empty() ? "" : ", ") + std::string(option.name);
  return names;
}

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

// As whoever writes it means it, while every option would take the quotes for a part of a path, a name or a filter.
bool IsQuoted(std::string_view text) {
  constexpr std::string_view kQuotes = "\"'";
  return !text.empty() && (kQuotes.find(text.front()) != kQuotes.npos || kQuotes.find(text.back()) != kQuotes.npos);
}

}  // namespace

Options ParseOptions(const std::vector<std::pair<std::string_view, std::string_view>>& pairs) {
  Options options;
  std::set<std::string_view> given;
  for (const auto& [name, text] : pairs) {
    if (!given.insert(name).second) {
      throw OptionError("plugin_opt_" + std::string(name) + " is given twice; the second time: " + std::string(text));
    }
    const Option* option = nullptr;
    for (const Option& candidate : kOptions) {
      if (candidate.name == name) option = &candidate;
    }
    if (option == nullptr) {
      throw OptionError("unknown option plugin_opt_" + std::string(name) + "; the options are " + Names());
    }
    if (IsQuoted(Trim(text))) {
      throw OptionError("plugin_opt_" + std::string(name) + " " + std::string(text) +
                        ": write it without quotes, which Mosquitto takes for a part of the value");
    }
    if (!option->read(Trim(text), &options)) {
      throw OptionError("plugin_opt_" + std::string(name) + " '" + std::string(text) + "': it takes " +
                        std::string(option->takes));
    }
  }
  if (!given.contains("retention")) options.retention = options.window;
  // A row is what remembers an id across a restart.
  if (options.retention && (!options.window || *options.retention < *options.window)) {
    throw OptionError("plugin_opt_retention must not be shorter than plugin_opt_window" +
                      std::string(options.window ? "" : ", which is forever where it is not given"));
  }
  return options;
}

}  // namespace dedup
