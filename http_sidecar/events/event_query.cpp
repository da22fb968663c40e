#include "http_sidecar/events/event_query.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "http_sidecar/base/number.h"
#include "http_sidecar/base/percent.h"
#include "http_sidecar/base/time.h"
#include "http_sidecar/http/query.h"
#include "plugin/core/event/event_id.h"
#include "plugin/core/event/rule_name.h"
#include "plugin/core/event/source.h"
#include "plugin/core/text/topic_filter.h"
#include "plugin/core/text/units.h"
#include "plugin/core/text/utf8.h"

namespace dedup::sidecar {
namespace {

std::uint64_t Number(std::string_view text, std::uint64_t least, std::uint64_t most, const char* takes) {
  const auto number = ParseNumber<std::uint64_t>(PercentDecoded(text, Plus::kIsASpace));
  if (!number || *number < least || *number > most) throw std::invalid_argument(takes);
  return *number;
}

std::uint64_t Seq(std::string_view raw) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  return Number(raw, 0, kMax, "takes a seq, a whole number from 0 on");
}

// Bare pluses that are whole levels are the wildcard: nobody escapes them, though a query's plus is a space.
std::string TopicFilter(std::string_view raw) {
  std::string filter;
  for (std::size_t begin = 0; begin <= raw.size();) {
    const std::size_t end = std::min(raw.find('/', begin), raw.size());
    const std::string_view level = raw.substr(begin, end - begin);
    if (begin != 0) filter.push_back('/');
    filter.append(PercentDecoded(level, level == "+" ? Plus::kIsItself : Plus::kIsASpace));
    begin = end + 1;
  }
  if (!IsUtf8(filter) || filter.find('\0') != std::string::npos) {
    throw std::invalid_argument("takes a topic or an MQTT filter in UTF-8, without NUL");
  }
  if (filter.find_first_of("+#") != std::string::npos && !IsTopicFilter(filter)) {
    throw std::invalid_argument(
        "takes a topic or an MQTT filter such as sensors/+/temp or sensors/#, in which + and # (in a URL %2B and %23) "
        "are whole levels, and # is the last");
  }
  return filter;
}

std::string Text(std::string_view raw, const char* takes) {
  std::string text = PercentDecoded(raw, Plus::kIsASpace);
  if (text.empty() || text.size() > kEventIdBytesMax || !IsUtf8(text)) throw std::invalid_argument(takes);
  return text;
}

// A filter knows the rule of the options by an empty name.
std::string Rule(std::string_view raw) {
  std::string name = PercentDecoded(raw, Plus::kIsASpace);
  if (!IsRuleName(name)) throw std::invalid_argument("takes a rule's name: " + std::string(kRuleNameTakes));
  return name == kDefaultRuleName ? std::string() : name;
}

std::string SourceName(std::string_view raw) {
  std::string source = PercentDecoded(raw, Plus::kIsASpace);
  if (source.size() > kSourceBytesMax || !IsUtf8(source)) {
    throw std::invalid_argument("takes a source of at most 256 bytes of UTF-8");
  }
  return source;
}

std::int64_t Time(std::string_view raw, std::int64_t now_us, bool* is_relative) {
  const std::string text = PercentDecoded(raw, Plus::kIsItself);
  if (const auto ago = ParseDuration(text)) {
    *is_relative = true;
    return now_us - std::chrono::microseconds(*ago).count();
  }
  // A zone's plus is seldom escaped either.
  auto time = ParseTimestamp(text);
  if (!time) time = ParseTimestamp(PercentDecoded(raw, Plus::kIsASpace));
  if (!time) {
    throw std::invalid_argument(
        "takes a time such as 2026-01-31T12:00:00Z (RFC 3339), or how long ago, such as 10m (ms, s, m, h, d)");
  }
  return *time;
}

bool IsNewestFirst(std::string_view raw) {
  const std::string order = PercentDecoded(raw, Plus::kIsASpace);
  if (order != "asc" && order != "desc") throw std::invalid_argument("takes asc (oldest first) or desc");
  return order == "desc";
}

}  // namespace

std::variant<EventQuery, Problem> ParseEventQuery(std::string_view target, std::int64_t now_us) {
  EventQuery query;
  const auto read = [target](const char* name, auto take) {
    const auto raw = RawQueryValue(target, name);
    if (!raw) return;
    try {
      take(*raw);
    } catch (const std::invalid_argument& error) {
      throw std::invalid_argument(std::string(name) + " " + error.what());
    }
  };
  using Raw = std::string_view;
  try {
    read("topic", [&](Raw raw) { query.filter.topic = TopicFilter(raw); });
    read("source", [&](Raw raw) { query.filter.source = SourceName(raw); });
    read("event_id", [&](Raw raw) { query.filter.event_id = Text(raw, "takes an id of 1 to 256 bytes of UTF-8"); });
    read("rule", [&](Raw raw) { query.filter.rule = Rule(raw); });
    read("key", [&](Raw raw) { query.filter.key = Text(raw, "takes a rule's key of 1 to 256 bytes of UTF-8"); });
    read("since", [&](Raw raw) { query.filter.since_us = Time(raw, now_us, &query.is_relative); });
    read("until", [&](Raw raw) { query.filter.until_us = Time(raw, now_us, &query.is_relative); });
    read("after_seq", [&](Raw raw) { query.range.first_seq = Seq(raw) + 1; });
    read("before_seq", [&](Raw raw) { query.range.last_seq = std::max<std::uint64_t>(Seq(raw), 1) - 1; });
    read("limit", [&](Raw raw) { query.limit = Number(raw, 1, kPageEventsMax, "takes a whole number, 1 to 1000"); });
    read("order", [&](Raw raw) { query.range.newest_first = IsNewestFirst(raw); });
  } catch (const std::invalid_argument& error) {
    return Problem{problems::kInvalidParameter, error.what()};
  }
  return query;
}

std::string NextTarget(std::string_view target, const EventQuery& query, const EventRange& rest) {
  const char* const cursor = rest.newest_first ? "before_seq" : "after_seq";
  std::string next = QueryWithout(QueryOf(target), cursor);
  if (query.is_relative) {
    // The pages of one list are of one time.
    const auto fix = [&](const char* name, std::int64_t us) {
      if (!RawQueryValue(target, name)) return;
      next = QueryWithout(next, name);
      next.append(next.empty() ? "" : "&").append(name).append("=").append(FormatTime(us));
    };
    fix("since", query.filter.since_us);
    fix("until", query.filter.until_us);
  }
  next.append(next.empty() ? "" : "&").append(cursor).append("=");
  return "?" + next + std::to_string(rest.newest_first ? rest.last_seq + 1 : rest.first_seq - 1);
}

}  // namespace dedup::sidecar
