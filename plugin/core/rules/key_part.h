// A part of a key as a message has it: what goes into the hash, and what people read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "plugin/core/event/sip_hash.h"

namespace dedup {

/// Two parts are the same if their types and their texts are. What a text's source was (a property, a JSON string, a
/// protobuf field …) does not count, so that an event may come in several formats. But the string "5" and the number 5
/// are two: whether they are one id is in doubt, and in doubt an event is handed on.
struct KeyPart {
  enum class Type : std::uint8_t {
    kMissing,  ///< an optional part's value
    kString,   ///< JSON string, user property, client id, user name, bytes of protobuf
    kNumber,   ///< JSON number by its text, integer of protobuf as a decimal number
    kBoolean,  ///< JSON's true or false
    kPayload,  ///< the payload's bytes
    kDigest,   ///< the payload as a JSON value without some members: PayloadDigest's lanes
  };
  Type type = Type::kMissing;
  bool has_escapes = false;  ///< `text` is a JSON string with its quotes, escapes unresolved
  std::string_view text;     ///< empty with kMissing and kDigest
  std::array<std::uint64_t, 4> digest{};
};

/// As below, for a digest or a text with escapes.
SipHash128 WithOtherPart(SipHash128 hash, const KeyPart& part);

/// A key's hash after it was fed with a part: type and size, text. By value, so that it may stay in registers.
inline SipHash128 WithPart(SipHash128 hash, const KeyPart& part) {
  if (part.has_escapes || part.type == KeyPart::Type::kDigest) return WithOtherPart(hash, part);
  hash.Add(static_cast<std::uint64_t>(part.type) | std::uint64_t{part.text.size()} << 8);
  hash.Add(part.text);
  return hash;
}

inline constexpr std::size_t kKeyTextBytesMax = 256;
using KeyTextBuffer = std::array<char, kKeyTextBytesMax>;

/// The parts as one line for people, 1 to 256 bytes of UTF-8 without control characters:
///
///     plant-1|42          strings and numbers as they are, `|` between parts
///     42|-|true           `-`: an optional part that is missing
///     single|#8f2c…       `#` and 16 hex digits in place of a payload: the key's fingerprint
///
/// Within a part `\|`, `\\` and `\xHH` stand for `|`, a backslash, and a control character or a byte that is no UTF-8;
/// a part that begins with `#`, or is `-`, has a backslash before it. Of keys of one rule with the same types, those
/// that differ have different texts. Of a text that would be longer the beginning is followed by `…#` and the
/// fingerprint: a keyed hash of the key's own hash, which nobody must see.
///
/// The text lies in `buffer` or, where it is one part just as it stands, in the message.
std::string_view KeyText(std::span<const KeyPart> parts, const KeyHash& key, const HashSecret& secret,
                         KeyTextBuffer& buffer);

}  // namespace dedup
