#include "event_id.h"

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

EventIdSearch::EventIdSearch(std::string_view payload, std::string_view member, EventIdBuffer& buffer)
    : reader_(payload) {
  if (!reader_.EnterObject() || !json::MayMention(payload, member)) return;
  std::string_view name;
  json::Value value;
  while (reader_.NextMember(&name, &value)) {
    if (!json::Means(name, member)) continue;
    candidate_ = FromValue(value, buffer);
    return;
  }
}

EventId EventIdSearch::Finish() {
  if (candidate_.status == EventIdStatus::kNone) return {};
  return reader_.SkipMembers() ? candidate_ : EventId{};
}

EventId FindEventId(std::string_view payload, std::string_view member, EventIdBuffer& buffer) {
  return EventIdSearch(payload, member, buffer).Finish();
}

}  // namespace dedup
