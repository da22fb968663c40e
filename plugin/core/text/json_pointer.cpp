#include "plugin/core/text/json_pointer.h"

#include <charconv>

namespace dedup {

std::optional<JsonPointer> ParseJsonPointer(std::string_view text) {
  JsonPointer tokens;
  if (!text.empty() && text.front() != '/') return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      tokens.emplace_back();
    } else if (text[i] != '~') {
      tokens.back().push_back(text[i]);
    } else {
      if (++i == text.size() || (text[i] != '0' && text[i] != '1')) return std::nullopt;
      tokens.back().push_back(text[i] == '0' ? '~' : '/');
    }
  }
  return tokens;
}

std::string JsonPointerText(const JsonPointer& pointer) {
  std::string text;
  for (const std::string& token : pointer) {
    text.push_back('/');
    for (const char c : token) {
      if (c == '~' || c == '/') {
        text += c == '~' ? "~0" : "~1";
      } else {
        text.push_back(c);
      }
    }
  }
  return text;
}

std::optional<std::uint32_t> ArrayIndex(std::string_view token) {
  if (token.empty() || (token.front() == '0' && token.size() > 1)) return std::nullopt;
  std::uint32_t index = 0;
  const char* const end = token.data() + token.size();
  const auto [rest, error] = std::from_chars(token.data(), end, index);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return index;
}

}  // namespace dedup
