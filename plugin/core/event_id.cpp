#include "event_id.h"

#include "json.h"

namespace dedup {
namespace {

EventId FromValue(const json::Value& value, EventIdBuffer& buffer) {
  if (value.kind == json::Kind::kNumber) {
    if (value.text.find_first_of(".eE") != std::string_view::npos) return {EventIdStatus::kInvalid, {}};
    return CheckEventId(value.text);
  }
  if (value.kind != json::Kind::kString) return {EventIdStatus::kInvalid, {}};
  const std::string_view inner = value.text.substr(1, value.text.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return CheckEventId(inner);
  const auto size = json::Unescape(value.text, buffer.data(), buffer.size());
  if (!size) return {EventIdStatus::kInvalid, {}};
  return CheckEventId({buffer.data(), *size});
}

}  // namespace

EventId CheckEventId(std::string_view text) {
  if (text.empty() || text.size() > kEventIdBytesMax) return {EventIdStatus::kInvalid, {}};
  return {EventIdStatus::kFound, text};
}

EventId FindEventId(std::string_view payload, std::string_view member, EventIdBuffer& buffer) {
  json::Reader reader(payload);
  if (!reader.EnterObject()) return {};
  EventId id;
  bool seen = false;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (seen || !json::Means(name, member)) continue;
    seen = true;
    id = FromValue(value, buffer);
  }
  // The id counts only when all that follows it is JSON too.
  return reader.ok() ? id : EventId{};
}

}  // namespace dedup
