#include "http_sidecar/events/event_json.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstring>

#include "plugin/core/text/json.h"

namespace dedup::sidecar {
namespace {

// The members that are shown; null, without a text, where there is none.
struct Members {
  json::Value event_id, timestamp, source, payload;

  json::Value* Named(std::string_view name) {
    if (name == "event_id") return &event_id;
    if (name == "timestamp") return &timestamp;
    if (name == "source") return &source;
    if (name == "payload") return &payload;
    return nullptr;
  }
};

// False when the payload is no JSON object; then `members` are none.
bool ReadMembers(std::string_view payload, Members* members) {
  json::Reader reader(payload);
  if (!reader.EnterObject()) return false;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    json::Value* member = members->Named(json::Inner(name));
    if (member == nullptr && reader.has_escapes()) member = members->Named(json::Unescape(name));
    if (member != nullptr && member->text.empty()) *member = value;
  }
  if (reader.ok()) return true;
  *members = {};
  return false;
}

bool IsSameId(const json::Value& member, std::string_view event_id) {
  if (member.kind == json::Kind::kString) return json::Means(member.text, event_id);
  return member.kind == json::Kind::kNumber && member.text == event_id;
}

void AppendValue(const json::Value& value, std::string* out) { out->append(value.text.empty() ? "null" : value.text); }

// {"topic":"t/1","event_id":
void AppendTopic(std::string_view topic, std::string* out) {
  // In a list many events share a topic.
  struct Topic {
    std::string topic, text;
  };
  thread_local Topic last;
  if (last.topic.empty() || last.topic != topic) {
    last.topic.clear();  // until its text is whole
    last.text.assign("{\"topic\":");
    json::AppendQuoted(topic, &last.text);
    last.text.append(",\"event_id\":");
    last.topic = topic;
  }
  out->append(last.text);
}

constexpr std::size_t kSecondBytes = 20;
constexpr std::size_t kTimeBytes = kSecondBytes + 7;
constexpr std::size_t kNumberBytesMax = 20;

char* Put(std::string_view text, char* at) { return std::ranges::copy(text, at).out; }

char* PutNumber(std::uint64_t number, char* at) { return std::to_chars(at, at + kNumberBytesMax, number).ptr; }

// printf would take a fifth of the time of a long list.
void PutDigits(std::uint32_t number, int count, char* text) {
  for (char* digit = text + count; digit != text; number /= 10) *--digit = static_cast<char>('0' + number % 10);
}

// Without the fraction: "2024-02-29T23:59:59.", 20 characters.
void PutSecond(std::chrono::sys_seconds time, char* text) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  std::memcpy(text, "0000-00-00T00:00:00.", kSecondBytes);
  PutDigits(static_cast<std::uint32_t>(static_cast<int>(date.year())), 4, text);
  PutDigits(static_cast<unsigned>(date.month()), 2, text + 5);
  PutDigits(static_cast<unsigned>(date.day()), 2, text + 8);
  PutDigits(static_cast<std::uint32_t>(clock.hours().count()), 2, text + 11);
  PutDigits(static_cast<std::uint32_t>(clock.minutes().count()), 2, text + 14);
  PutDigits(static_cast<std::uint32_t>(clock.seconds().count()), 2, text + 17);
}

// kTimeBytes characters.
char* PutTime(std::int64_t us, char* at) {
  using namespace std::chrono;
  // Beyond the years that RFC 3339 can write there are only damaged rows.
  constexpr sys_days kFirst{year(1) / 1 / 1}, kEnd{year(10'000) / 1 / 1};
  const auto time = std::clamp<sys_time<microseconds>>(sys_time<microseconds>{microseconds(us)}, kFirst,
                                                       sys_time<microseconds>(kEnd) - microseconds(1));
  const auto second = floor<seconds>(time);
  // In a list many events share a second.
  thread_local struct {
    sys_seconds second;
    char text[kSecondBytes];
  } last{.second = sys_seconds::min(), .text = {}};
  if (second != last.second) PutSecond(last.second = second, last.text);
  std::memcpy(at, last.text, kSecondBytes);
  PutDigits(static_cast<std::uint32_t>((time - second).count()), 6, at + kSecondBytes);
  at[kTimeBytes - 1] = 'Z';
  return at + kTimeBytes;
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

std::string CsvText(const json::Value& value) {
  if (value.kind == json::Kind::kNull) return {};
  return value.kind == json::Kind::kString ? json::Unescape(value.text) : std::string(value.text);
}

}  // namespace

void AppendEventJson(const StoredEvent& event, std::string* out) {
  Members members;
  const bool is_object = ReadMembers(event.payload, &members);
  AppendTopic(event.topic, out);
  if (IsSameId(members.event_id, event.event_id)) {
    AppendValue(members.event_id, out);
  } else {
    json::AppendQuoted(event.event_id, out);
  }
  out->append(",\"timestamp\":");
  AppendValue(members.timestamp, out);
  out->append(",\"source\":");
  AppendValue(members.source, out);
  if (is_object) {
    out->append(",\"payload\":");
    AppendValue(members.payload, out);
  } else {
    out->append(",\"payload_base64\":\"");
    AppendBase64(event.payload, out);
    out->push_back('"');
  }
  // Each append costs, and the size of these is known.
  constexpr std::string_view kSeq = ",\"seq\":", kReceivedAt = ",\"received_at\":\"", kEnd = "\"}";
  char rest[kSeq.size() + kNumberBytesMax + kReceivedAt.size() + kTimeBytes + kEnd.size()];
  char* end = PutNumber(event.seq, Put(kSeq, rest));
  end = Put(kEnd, PutTime(event.received_us, Put(kReceivedAt, end)));
  out->append(rest, end);
}

void AppendEventOnOneLine(const StoredEvent& event, std::string* out) {
  const auto begin = static_cast<std::string::difference_type>(out->size());
  AppendEventJson(event, out);
  // Strings hold none, so these are but whitespace.
  const auto is_break = [](char c) { return c == '\n' || c == '\r'; };
  std::replace_if(out->begin() + begin, out->end(), is_break, ' ');
}

void AppendEventCsv(const StoredEvent& event, std::string* out) {
  Members members;
  const bool is_object = ReadMembers(event.payload, &members);
  char seq[kNumberBytesMax];
  out->append(seq, PutNumber(event.seq, seq));
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
  if (!is_object) AppendBase64(event.payload, out);
  out->append("\r\n");
}

void AppendTime(std::int64_t us, std::string* out) {
  char text[kTimeBytes];
  out->append(text, PutTime(us, text));
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
