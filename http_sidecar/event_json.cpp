#include "event_json.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "json.h"

namespace dedup::sidecar {
namespace {

struct Members {
  std::optional<json::Value> event_id, timestamp, source, payload;
};

// Nothing when the payload is no JSON object.
std::optional<Members> ReadMembers(std::string_view payload) {
  Members members;
  const std::pair<std::string_view, std::optional<json::Value>*> wanted[] = {{"event_id", &members.event_id},
                                                                             {"timestamp", &members.timestamp},
                                                                             {"source", &members.source},
                                                                             {"payload", &members.payload}};
  json::Reader reader(payload);
  if (!reader.EnterObject()) return std::nullopt;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    for (const auto& [wanted_name, member] : wanted) {
      if (!*member && json::Means(name, wanted_name)) *member = value;
    }
  }
  if (!reader.ok()) return std::nullopt;
  return members;
}

bool IsSameId(const std::optional<json::Value>& member, std::string_view event_id) {
  if (!member) return false;
  if (member->kind == json::Kind::kString) return json::Means(member->text, event_id);
  return member->kind == json::Kind::kNumber && member->text == event_id;
}

void AppendMember(std::string_view name, const std::optional<json::Value>& value, std::string* out) {
  out->append(",\"").append(name).append("\":").append(value ? value->text : "null");
}

void AppendCsvField(std::string_view text, std::string* out) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out->append(text);
    return;
  }
  out->push_back('"');
  for (const char c : text) out->append(c == '"' ? 2 : 1, c);
  out->push_back('"');
}

std::string CsvText(const std::optional<json::Value>& value) {
  if (!value || value->kind == json::Kind::kNull) return {};
  return value->kind == json::Kind::kString ? json::Unescape(value->text) : std::string(value->text);
}

}  // namespace

void AppendEventJson(const StoredEvent& event, std::string* out) {
  const std::optional<Members> members = ReadMembers(event.payload);
  out->append("{\"topic\":");
  json::AppendQuoted(event.topic, out);
  if (members && IsSameId(members->event_id, event.event_id)) {
    AppendMember("event_id", members->event_id, out);
  } else {
    out->append(",\"event_id\":");
    json::AppendQuoted(event.event_id, out);
  }
  AppendMember("timestamp", members ? members->timestamp : std::nullopt, out);
  AppendMember("source", members ? members->source : std::nullopt, out);
  if (members) {
    AppendMember("payload", members->payload, out);
  } else {
    out->append(",\"payload_base64\":\"");
    AppendBase64(event.payload, out);
    out->push_back('"');
  }
  out->append(",\"seq\":").append(std::to_string(event.seq));
  out->append(",\"received_at\":\"").append(FormatTime(event.received_us)).append("\"}");
}

void AppendEventOnOneLine(const StoredEvent& event, std::string* out) {
  const auto begin = static_cast<std::string::difference_type>(out->size());
  AppendEventJson(event, out);
  // Strings hold none, so these are but whitespace.
  const auto is_break = [](char c) { return c == '\n' || c == '\r'; };
  std::replace_if(out->begin() + begin, out->end(), is_break, ' ');
}

void AppendEventCsv(const StoredEvent& event, std::string* out) {
  const std::optional<Members> found = ReadMembers(event.payload);
  const Members members = found.value_or(Members{});
  out->append(std::to_string(event.seq)).append(",").append(FormatTime(event.received_us)).append(",");
  AppendCsvField(event.topic, out);
  out->push_back(',');
  AppendCsvField(event.event_id, out);
  for (const auto* const member : {&members.timestamp, &members.source, &members.payload}) {
    out->push_back(',');
    AppendCsvField(CsvText(*member), out);
  }
  out->push_back(',');
  if (!found) AppendBase64(event.payload, out);
  out->append("\r\n");
}

std::string FormatTime(std::int64_t us) {
  using namespace std::chrono;
  // Beyond the years that RFC 3339 can write there are only damaged rows.
  constexpr sys_days kFirst{year(1) / 1 / 1}, kEnd{year(10'000) / 1 / 1};
  const auto time = std::clamp<sys_time<microseconds>>(sys_time<microseconds>{microseconds(us)}, kFirst,
                                                       sys_time<microseconds>(kEnd) - microseconds(1));
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02ld:%02ld:%02ld.%06ldZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<long>(clock.hours().count()), static_cast<long>(clock.minutes().count()),
                static_cast<long>(clock.seconds().count()), static_cast<long>(clock.subseconds().count()));
  return text;
}

void AppendBase64(std::string_view bytes, std::string* out) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) out->push_back(k <= group.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=');
  }
}

}  // namespace dedup::sidecar
