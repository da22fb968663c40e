// JSON text, written member by member.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {

/// With quotes and escapes. `text` is valid UTF-8.
std::string Quoted(std::string_view text);

/// {"a":1,"b":"text"}
class ObjectText {
 public:
  ObjectText& Add(std::string_view name, std::uint64_t number);
  ObjectText& AddText(std::string_view name, std::string_view text);
  ObjectText& AddRaw(std::string_view name, std::string_view value);  ///< a JSON text
  std::string Take() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

/// An array of JSON texts.
std::string ArrayText(const std::vector<std::string_view>& texts);

}  // namespace dedup
