#include "plugin/core/text/json_writer.h"

#include "plugin/core/text/json.h"

namespace dedup {

std::string Quoted(std::string_view text) {
  std::string quoted;
  json::AppendQuoted(text, &quoted);
  return quoted;
}

ObjectText& ObjectText::Add(std::string_view name, std::uint64_t number) {
  return AddRaw(name, std::to_string(number));
}

ObjectText& ObjectText::AddText(std::string_view name, std::string_view text) { return AddRaw(name, Quoted(text)); }

ObjectText& ObjectText::AddRaw(std::string_view name, std::string_view value) {
  text_.append(text_.size() == 1 ? "\"" : ",\"").append(name).append("\":").append(value);
  return *this;
}

std::string ArrayText(const std::vector<std::string_view>& texts) {
  std::string array = "[";
  for (const std::string_view text : texts) {
    if (array.size() > 1) array.push_back(',');
    array.append(text);
  }
  return array + "]";
}

}  // namespace dedup
