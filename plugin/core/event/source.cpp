#include "plugin/core/event/source.h"

#include "plugin/core/text/json.h"

namespace dedup {
namespace {

std::optional<std::string_view> FromValue(const json::Value& value, SourceBuffer& buffer) {
  if (value.kind != json::Kind::kString) return std::nullopt;
  const std::string_view inner = json::Inner(value.text);
  if (inner.find('\\') == std::string_view::npos) {
    return inner.size() <= kSourceBytesMax ? std::optional(inner) : std::nullopt;
  }
  const auto size = json::Unescape(value.text, buffer.data(), buffer.size());
  if (!size) return std::nullopt;
  return std::string_view(buffer.data(), *size);
}

}  // namespace

std::optional<std::string_view> FindSource(std::string_view payload, SourceBuffer& buffer) {
  json::Reader reader(payload);
  if (!reader.EnterObject()) return std::nullopt;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (!json::Means(name, "source")) continue;
    const auto source = FromValue(value, buffer);
    // It counts only when all that follows it is JSON too.
    return reader.SkipMembers() ? source : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace dedup
