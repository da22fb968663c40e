#include "plugin/core/event/event_id.h"

#include <algorithm>

namespace dedup {

EventId EventIdOf(const json::Value& value, bool has_escapes, EventIdBuffer& buffer) {
  if (value.kind == json::Kind::kNumber) {
    const auto is_integral = [](char c) { return c != '.' && c != 'e' && c != 'E'; };
    if (!std::ranges::all_of(value.text, is_integral)) return {EventIdStatus::kInvalid, {}};
    return CheckEventId(value.text);
  }
  if (value.kind != json::Kind::kString) return {EventIdStatus::kInvalid, {}};
  if (!has_escapes) return CheckEventId(json::Inner(value.text));
  const auto size = json::Unescape(value.text, buffer.data(), buffer.size());
  if (!size) return {EventIdStatus::kInvalid, {}};
  return CheckEventId({buffer.data(), *size});
}

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
    const bool is_id = reader_.has_escapes() ? json::Means(name, member) : json::Inner(name) == member;
    if (!is_id) continue;
    candidate_ = EventIdOf(value, reader_.has_escapes(), buffer);
    return;
  }
}

EventId EventIdSearch::Finish() {
  if (candidate_.status == EventIdStatus::kNone) return {};
  return reader_.SkipMembers() ? candidate_ : EventId{};
}

}  // namespace dedup
