#include "http_sidecar/base/header_field.h"

#include <algorithm>

#include "http_sidecar/base/ascii.h"

namespace dedup::sidecar {

bool IsTokenCharacter(char c) {
  return ('0' <= c && c <= '9') || ('a' <= AsciiLower(c) && AsciiLower(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view WithoutSpaceAround(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

std::optional<std::pair<std::string_view, std::string_view>> ParseField(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = WithoutSpaceAround(line.substr(colon + 1));
  if (!std::ranges::all_of(name, IsTokenCharacter)) return std::nullopt;
  if (std::ranges::any_of(value, [](char c) { return IsControl(c) && c != '\t'; })) return std::nullopt;
  return std::pair(name, value);
}

}  // namespace dedup::sidecar
