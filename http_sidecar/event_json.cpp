#include "event_json.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <iterator>
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
    const bool is_escaped = name.find('\\') != std::string_view::npos;  // seldom
    const std::string_view plain_name = name.substr(1, name.size() - 2);
    for (const auto& [wanted_name, member] : wanted) {
      const bool is_it = is_escaped ? json::Means(name, wanted_name) : plain_name == wanted_name;
      if (is_it && !*member) *member = value;
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

void AppendValue(const std::optional<json::Value>& value, std::string* out) {
  out->append(value ? value->text : "null");
}

constexpr std::size_t kSecondBytes = 20;

void AppendNumber(std::uint64_t number, std::string* out) {
  char digits[20];
  out->append(digits, std::to_chars(std::begin(digits), std::end(digits), number).ptr);
}

// Where a million events are listed, printf would take a fifth of the time.
void PutDigits(std::int64_t number, int count, char* text) {
  for (char* digit = text + count; digit != text; number /= 10) *--digit = static_cast<char>('0' + number % 10);
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
  const std::optional<Members> found = ReadMembers(event.payload);
  const Members members = found.value_or(Members{});
  out->append("{\"topic\":");
  json::AppendQuoted(event.topic, out);
  out->append(",\"event_id\":");
  if (IsSameId(members.event_id, event.event_id)) {
    AppendValue(members.event_id, out);
  } else {
    json::AppendQuoted(event.event_id, out);
  }
  out->append(",\"timestamp\":");
  AppendValue(members.timestamp, out);
  out->append(",\"source\":");
  AppendValue(members.source, out);
  if (found) {
    out->append(",\"payload\":");
    AppendValue(members.payload, out);
  } else {
    out->append(",\"payload_base64\":\"");
    AppendBase64(event.payload, out);
    out->push_back('"');
  }
  out->append(",\"seq\":");
  AppendNumber(event.seq, out);
  out->append(",\"received_at\":\"");
  AppendTime(event.received_us, out);
  out->append("\"}");
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
  AppendNumber(event.seq, out);
  out->push_back(',');
  AppendTime(event.received_us, out);
  out->push_back(',');
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

namespace {

// Without the fraction: "2024-02-29T23:59:59.", 20 characters.
void PutSecond(std::chrono::sys_seconds time, char* text) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  std::memcpy(text, "0000-00-00T00:00:00.", kSecondBytes);
  PutDigits(static_cast<int>(date.year()), 4, text);
  PutDigits(static_cast<unsigned>(date.month()), 2, text + 5);
  PutDigits(static_cast<unsigned>(date.day()), 2, text + 8);
  PutDigits(clock.hours().count(), 2, text + 11);
  PutDigits(clock.minutes().count(), 2, text + 14);
  PutDigits(clock.seconds().count(), 2, text + 17);
}

}  // namespace

void AppendTime(std::int64_t us, std::string* out) {
  using namespace std::chrono;
  // Beyond the years that RFC 3339 can write there are only damaged rows.
  constexpr sys_days kFirst{year(1) / 1 / 1}, kEnd{year(10'000) / 1 / 1};
  const auto time = std::clamp<sys_time<microseconds>>(sys_time<microseconds>{microseconds(us)}, kFirst,
                                                       sys_time<microseconds>(kEnd) - microseconds(1));
  const auto second = floor<seconds>(time);
  // In a list many events share a second.
  thread_local struct {
    sys_seconds second;
    char text[kSecondBytes + 7];
  } last{.second = sys_seconds::min(), .text = {}};
  if (second != last.second) PutSecond(last.second = second, last.text);
  PutDigits((time - second).count(), 6, last.text + kSecondBytes);
  last.text[kSecondBytes + 6] = 'Z';
  out->append(last.text, sizeof last.text);
}

std::string FormatTime(std::int64_t us) {
  std::string text;
  AppendTime(us, &text);
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
