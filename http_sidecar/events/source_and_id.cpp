#include "http_sidecar/events/source_and_id.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "http_sidecar/base/hex.h"
#include "http_sidecar/base/sha256.h"
#include "plugin/core/event/event_id.h"

namespace dedup::sidecar {
namespace {

bool IsControl(std::string_view text, std::size_t at) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(at) < 0x20 || byte(at) == 0x7F) return true;
  // U+0080 to U+009F, of two bytes.
  return (byte(at) == 0xC2 && byte(at + 1) < 0xA0) || (at > 0 && byte(at - 1) == 0xC2 && byte(at) < 0xA0);
}

void AppendPart(std::string_view text, std::string* out) {
  constexpr char kHex[] = "0123456789abcdef";
  // A rule's key begins so where it has a fingerprint, and is so where it lacks a part.
  if (text.starts_with('#') || text == "-") out->push_back('\\');
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (IsControl(text, i)) {
      out->append({'\\', 'x', kHex[byte >> 4], kHex[byte & 0xF]});
      continue;
    }
    if (text[i] == '\\' || text[i] == '|') out->push_back('\\');
    out->push_back(text[i]);
  }
}

// Whether there may be one of those that Unicode has set aside: U+FDD0 to U+FDEF, and the last two of each plane.
bool MayHoldNoncharacter(std::string_view text) {
  for (const char* const bytes : {"\xEF\xB7", "\xBF\xBE", "\xBF\xBF"}) {
    if (text.find(bytes) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::string IdOfSourceAndId(std::string_view source, std::string_view id) {
  std::string text;
  AppendPart(source, &text);
  text.push_back('|');
  AppendPart(id, &text);
  if (text.size() <= kEventIdBytesMax && !MayHoldNoncharacter(text)) return text;
  const Sha256 hash = Sha256Of(text);
  return "sha256:" + HexOf(hash);
}

}  // namespace dedup::sidecar
