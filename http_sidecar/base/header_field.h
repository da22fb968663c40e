// Header and trailer fields as RFC 9110, 5 writes them.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

namespace dedup::sidecar {

/// Whether it may stand in a token (5.6.2), such as a method or a field's name.
bool IsTokenCharacter(char c);

constexpr bool IsControl(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; }

/// Without blanks and tabs at its ends.
std::string_view WithoutSpaceAround(std::string_view text);

/// Name and value of a line without its end; nothing for a line that is none, because two readings of one are how
/// requests are smuggled past a proxy. One that goes on with the line before it begins with a blank, and so has no
/// name.
std::optional<std::pair<std::string_view, std::string_view>> ParseField(std::string_view line);

}  // namespace dedup::sidecar
