#include "plugin/core/text/json.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "plugin/core/text/byte_block.h"

namespace dedup::json {
namespace {

constexpr std::size_t kWindowBytes = ByteBlock::Matches::kBytesMax;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The 16 bits of the four hex digits at `p`, or -1. At least four bytes must be readable.
int HexQuad(const char* p) {
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = HexDigit(p[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

bool IsHighSurrogate(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool IsLowSurrogate(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

std::size_t EncodeUtf8(std::uint32_t code_point, char* out) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); };
  if (code_point < 0x80) {
    out[0] = byte(code_point);
    return 1;
  }
  if (code_point < 0x800) {
    out[0] = byte(0xC0 | (code_point >> 6));
    out[1] = byte(0x80 | (code_point & 0x3F));
    return 2;
  }
  if (code_point < 0x10000) {
    out[0] = byte(0xE0 | (code_point >> 12));
    out[1] = byte(0x80 | ((code_point >> 6) & 0x3F));
    out[2] = byte(0x80 | (code_point & 0x3F));
    return 3;
  }
  out[0] = byte(0xF0 | (code_point >> 18));
  out[1] = byte(0x80 | ((code_point >> 12) & 0x3F));
  out[2] = byte(0x80 | ((code_point >> 6) & 0x3F));
  out[3] = byte(0x80 | (code_point & 0x3F));
  return 4;
}

// One character of a validated string: how many bytes of text it takes, and its UTF-8.
struct Character {
  std::size_t text_size;
  std::size_t size;
  char bytes[4];
};

Character DecodeEscape(const char* p) {
  Character character{.text_size = 2, .size = 1, .bytes = {}};
  switch (p[1]) {
    case 'b':
      character.bytes[0] = '\b';
      return character;
    case 'f':
      character.bytes[0] = '\f';
      return character;
    case 'n':
      character.bytes[0] = '\n';
      return character;
    case 'r':
      character.bytes[0] = '\r';
      return character;
    case 't':
      character.bytes[0] = '\t';
      return character;
    case 'u':
      break;
    default:
      character.bytes[0] = p[1];
      return character;
  }
  const int unit = HexQuad(p + 2);
  auto code_point = static_cast<std::uint32_t>(unit);
  character.text_size = 6;
  if (IsHighSurrogate(unit)) {
    code_point = 0x10000 + ((code_point - 0xD800) << 10) + (static_cast<std::uint32_t>(HexQuad(p + 8)) - 0xDC00);
    character.text_size = 12;
  }
  character.size = EncodeUtf8(code_point, character.bytes);
  return character;
}

}  // namespace

Reader::Reader(std::string_view document)
    : begin_(document.data()),
      position_(document.data()),
      end_(document.data() + document.size()),
      window_(document.data()),
      window_end_(document.data()) {}

// What is rarely called, or seldom enough, stays out of line, and out of the registers of what calls it.
[[gnu::noinline]] const char* Reader::Fail(const char* p, const char* reason) {
  position_ = p;
  reason_ = reason;
  return nullptr;
}

inline const char* Reader::SkipWhitespace(const char* p) const {
  if (p != end_ && *p > ' ') return p;  // most often
  while (p != end_ && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
  return p;
}

// Whether `wanted` comes next, behind white space or not; `p` moves to it, or to what stands in its place.
inline bool Reader::ComesNext(const char*& p, char wanted) const {
  if (p != end_ && *p == wanted) [[likely]]
    return true;
  p = SkipWhitespace(p);
  return p != end_ && *p == wanted;
}

bool Reader::Enter(char open) {
  const char* p = position_;
  return ComesNext(p, open) && EnterAt(p);
}

// The container whose bracket is at `p`.
inline bool Reader::EnterAt(const char* p) {
  if (depth_ == kDepthMax) {
    Fail(p, "nested too deeply");
    return false;
  }
  position_ = p + 1;
  first_ = true;
  ++depth_;
  return true;
}

bool Reader::EnterObject() { return Enter('{'); }
bool Reader::EnterArray() { return Enter('['); }

// The container that was entered last ends before `p`.
void Reader::Leave(const char* p) {
  if (--depth_ == 0) {
    AtEndOfDocument(p);
    return;
  }
  position_ = p;
  first_ = false;
}

bool Reader::AtEndOfDocument(const char* p) {
  p = SkipWhitespace(p);
  if (p != end_) {
    Fail(p, "something follows the end of the document");
    return false;
  }
  position_ = p;
  return true;
}

// To the next member or element; nullptr at the container's end too.
inline const char* Reader::SkipToNext(char close) {
  if (!ok()) return nullptr;
  const char* p = position_;
  if (!first_ && ComesNext(p, ',')) return p + 1;
  if (ComesNext(p, close)) {
    Leave(p + 1);
    return nullptr;
  }
  if (p == end_) return Fail(p, "the document ends inside an object or array");
  if (!first_) return Fail(p, "expected a comma or the closing bracket");
  first_ = false;
  return p;
}

bool Reader::NextMember(std::string_view* name, Value* value) {
  const char* p = SkipToNext('}');
  if (p == nullptr) return false;
  p = SkipNameAndColon(p, name);
  return p != nullptr && ReadValueAt<false>(p, value);
}

bool Reader::NextElement(Value* value) {
  const char* const p = SkipToNext(']');
  return p != nullptr && ReadValueAt<false>(p, value);
}

inline bool Reader::SkipRest(char close) {
  const char* p = SkipToNext(close);
  if (p == nullptr) return ok();
  p = SkipToDepth(p, depth_ - 1, close == '}');
  if (p != nullptr) Leave(p);
  return ok();
}

bool Reader::SkipMembers() { return SkipRest('}'); }
bool Reader::SkipElements() { return SkipRest(']'); }

bool Reader::NextMemberOrEnter(std::string_view* name, Value* value) {
  const char* p = SkipToNext('}');
  if (p == nullptr) return false;
  p = SkipNameAndColon(p, name);
  return p != nullptr && ReadValueAt<true>(p, value);
}

bool Reader::NextElementOrEnter(Value* value) {
  const char* const p = SkipToNext(']');
  return p != nullptr && ReadValueAt<true>(p, value);
}

bool Reader::NextName(std::string_view* name) {
  const char* p = SkipToNext('}');
  if (p == nullptr) return false;
  p = SkipNameAndColon(p, name);
  if (p == nullptr) return false;
  position_ = p;
  return true;
}

bool Reader::NextItem() {
  const char* const p = SkipToNext(']');
  if (p == nullptr) return false;
  position_ = p;
  return true;
}

bool Reader::ReadValue(Value* value) { return ReadValueAt<false>(position_, value); }

bool Reader::ReadDocument(Value* value) { return ReadValueAt<false>(position_, value) && AtEndOfDocument(position_); }

template <bool kEnters>
inline bool Reader::ReadValueAt(const char* p, Value* value) {
  const bool string = ComesNext(p, '"');
  const char* const start = p;
  if (string) {
    value->kind = Kind::kString;
    p = SkipString(p);
  } else if (p != end_ && (*p == '{' || *p == '[')) {
    value->kind = *p == '{' ? Kind::kObject : Kind::kArray;
    if constexpr (kEnters) {
      value->text = {};
      return EnterAt(p);
    }
    p = SkipToDepth(p, depth_, false);
  } else {
    p = SkipWordOrNumber(p, &value->kind);
  }
  if (p == nullptr) return false;
  value->text = {start, static_cast<std::size_t>(p - start)};
  position_ = p;
  return true;
}

// Behind the value at `p`; or, with `depth_end` one less than depth_, behind the container that was entered last, an
// object or an array, of which a member begins at `p`.
// A loop with one bit per open container in place of recursion: the nesting of the input must not become our stack.
const char* Reader::SkipToDepth(const char* p, int depth_end, bool object) {
  std::array<bool, kDepthMax> in_object;  // uninitialised on purpose: only [depth_end, depth) is read
  int depth = depth_;
  if (depth != depth_end) in_object[static_cast<std::size_t>(depth_end)] = object;
  for (;;) {
    // Here a value begins, or in an object a name.
    for (;;) {
      if (object) {
        std::string_view name;
        p = SkipNameAndColon(p, &name);
        if (p == nullptr) return nullptr;
      }
      if (ComesNext(p, '"')) {
        p = SkipString(p);
        break;
      }
      if (p == end_ || (*p != '{' && *p != '[')) {
        Kind kind;
        p = SkipWordOrNumber(p, &kind);
        break;
      }
      if (depth == kDepthMax) return Fail(p, "nested too deeply");
      object = *p == '{';
      in_object[static_cast<std::size_t>(depth++)] = object;
      ++p;
      if (ComesNext(p, object ? '}' : ']')) break;
      if (p == end_) return Fail(p, "the document ends inside an object or array");
    }
    if (p == nullptr) return nullptr;
    // Here a value has ended, or an empty container ends.
    while (!ComesNext(p, ',')) {
      if (p == end_) return Fail(p, "the document ends inside an object or array");
      if (*p != (object ? '}' : ']')) return Fail(p, "expected a comma or the closing bracket");
      ++p;
      if (--depth == depth_end) return p;
      object = in_object[static_cast<std::size_t>(depth - 1)];
    }
    ++p;
  }
}

inline const char* Reader::SkipNameAndColon(const char* p, std::string_view* name) {
  if (!ComesNext(p, '"')) return Fail(p, "expected a string");
  const char* const start = p;
  p = SkipString(p);
  if (p == nullptr) return nullptr;
  *name = {start, static_cast<std::size_t>(p - start)};
  if (!ComesNext(p, ':')) return Fail(p, "expected a colon after a member's name");
  return p + 1;
}

const char* Reader::SkipWordOrNumber(const char* p, Kind* kind) {
  if (p == end_) return Fail(p, "expected a value");
  switch (*p) {
    case 't':
      *kind = Kind::kTrue;
      return SkipWord(p, "true");
    case 'f':
      *kind = Kind::kFalse;
      return SkipWord(p, "false");
    case 'n':
      *kind = Kind::kNull;
      return SkipWord(p, "null");
    default:
      *kind = Kind::kNumber;
      return SkipNumber(p);
  }
}

const char* Reader::SkipWord(const char* p, std::string_view word) {
  if (static_cast<std::size_t>(end_ - p) < word.size() || std::memcmp(p, word.data(), word.size()) != 0) {
    return Fail(p, "expected a value");
  }
  return p + word.size();
}

inline const char* Reader::SkipDigits(const char* p) const {
  while (p != end_ && IsDigit(*p)) ++p;
  return p;
}

inline const char* Reader::SkipNumber(const char* const start) {
  const char* const integer = *start == '-' ? start + 1 : start;
  const char* p = SkipDigits(integer);
  if (p == integer) return Fail(start, "expected a value");
  if (*integer == '0' && p - integer > 1) return Fail(start, "a number with a leading zero");
  if (p != end_ && *p == '.') {
    const char* const fraction = p + 1;
    p = SkipDigits(fraction);
    if (p == fraction) return Fail(start, "a number without digits after the point");
  }
  if (p != end_ && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end_ && (*p == '+' || *p == '-')) ++p;
    const char* const exponent = p;
    p = SkipDigits(exponent);
    if (p == exponent) return Fail(start, "a number without digits in its exponent");
  }
  return p;
}

// Behind the string whose quote is at `p`. A window's stops are found all at once: from one to the next it takes a
// shift and a count of bits, where a look at the bytes behind `p` would have to wait for the string before to end.
inline const char* Reader::SkipString(const char* p) {
  ++p;
  for (;;) {
    if (p < window_end_) {
      const auto stops = stops_.Skip(static_cast<std::size_t>(p - window_));
      if (stops.any()) {
        p += stops.first();
        if (*p == '"') [[likely]]
          return p + 1;
        p = SkipStop(p);
        if (p == nullptr) return nullptr;
        continue;
      }
      p = window_end_;
    }
    if (p == end_) return Fail(p, "the document ends inside a string");
    MoveWindow();
  }
}

// To the document's next bytes, of which there are some.
[[gnu::noinline]] void Reader::MoveWindow() {
  window_ = window_end_;
  const auto left = static_cast<std::size_t>(end_ - window_);
  if (left < kWindowBytes) {
    window_end_ = end_;
    stops_ = LastStops(left);
    return;
  }
  window_end_ += kWindowBytes;
  ByteBlock::Matches stops;
  for (std::size_t i = 0; i < kWindowBytes; i += ByteBlock::kBytes) {
    stops = stops | ByteBlock(window_ + i).StringStops().Behind(i);
  }
  stops_ = stops;
}

// The stops of the document's last `size` bytes, fewer than a window's.
ByteBlock::Matches Reader::LastStops(const std::size_t size) const {
  ByteBlock::Matches stops;
  std::size_t i = 0;
  for (; i + ByteBlock::kBytes <= size; i += ByteBlock::kBytes) {
    stops = stops | ByteBlock(end_ - size + i).StringStops().Behind(i);
  }
  if (i == size) return stops;
  const std::size_t known = i + ByteBlock::kBytes - size;  // bytes of the block that ends where the document does
  if (static_cast<std::size_t>(end_ - begin_) >= ByteBlock::kBytes) {
    return stops | ByteBlock(end_ - ByteBlock::kBytes).StringStops().Skip(known).Behind(i);
  }
  char bytes[ByteBlock::kBytes] = {};
  std::memcpy(bytes + known, end_ - size, size);
  return ByteBlock(bytes).StringStops().Skip(known);
}

// Behind the escape, or the bytes that are not ASCII, at `p`.
[[gnu::noinline]] const char* Reader::SkipStop(const char* p) {
  if (*p == '\\') return SkipEscape(p);
  if (static_cast<unsigned char>(*p) < 0x20) return Fail(p, "a control character inside a string must be escaped");
  do {
    p = SkipMultibyte(p);
  } while (p != nullptr && p != end_ && static_cast<unsigned char>(*p) >= 0x80);
  return p;
}

const char* Reader::SkipEscape(const char* p) {
  has_escapes_ = true;
  const auto left = static_cast<std::size_t>(end_ - p);
  if (left < 2) return Fail(p, "the document ends inside a string");
  switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return p + 2;
    case 'u':
      break;
    default:
      return Fail(p, "an unknown escape inside a string");
  }
  const int unit = left < 6 ? -1 : HexQuad(p + 2);
  if (unit < 0) return Fail(p, "\\u without four hex digits");
  if (IsLowSurrogate(unit)) return Fail(p, "a lone surrogate inside a string");
  if (!IsHighSurrogate(unit)) return p + 6;
  if (left < 12 || p[6] != '\\' || p[7] != 'u' || !IsLowSurrogate(HexQuad(p + 8))) {
    return Fail(p, "a lone surrogate inside a string");
  }
  return p + 12;
}

// Unicode 15, table 3-7: the well-formed byte sequences of UTF-8.
const char* Reader::SkipMultibyte(const char* p) {
  const auto left = static_cast<std::size_t>(end_ - p);
  const auto byte = [p](std::size_t i) { return static_cast<unsigned char>(p[i]); };
  const auto continuation = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead >= 0xC2 && lead <= 0xDF && left >= 2 && continuation(1)) return p + 2;
  if (lead >= 0xE0 && lead <= 0xEF && left >= 3 && continuation(1) && continuation(2) &&
      (lead != 0xE0 || byte(1) >= 0xA0) && (lead != 0xED || byte(1) <= 0x9F)) {
    return p + 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4 && left >= 4 && continuation(1) && continuation(2) && continuation(3) &&
      (lead != 0xF0 || byte(1) >= 0x90) && (lead != 0xF4 || byte(1) <= 0x8F)) {
    return p + 4;
  }
  return Fail(p, "invalid UTF-8 inside a string");
}

bool MayMention(std::string_view document, std::string_view name) {
  if (name.empty() || document.size() < name.size() - 1 + ByteBlock::kBytes) return true;
  const std::size_t last = name.size() - 1;
  for (std::size_t i = 0; i < last; i += ByteBlock::kBytes) {
    if (ByteBlock(document.data() + i).Equal('\\').any()) return true;
  }
  const char* const block_max = document.data() + document.size() - last - ByteBlock::kBytes;
  for (const char* p = document.data();; p = std::min(p + ByteBlock::kBytes, block_max)) {
    const ByteBlock behind(p + last);
    if (behind.Equal('\\').any()) return true;
    for (auto hits = ByteBlock(p).Equal(name.front()) & behind.Equal(name.back()); hits.any(); hits.RemoveFirst()) {
      if (std::memcmp(p + hits.first(), name.data(), name.size()) == 0) return true;
    }
    if (p == block_max) return false;
  }
}

bool Means(std::string_view text, std::string_view expected) {
  const std::string_view inner = Inner(text);
  // An escape is longer than what it means.
  if (inner.size() < expected.size()) return false;
  if (std::memchr(inner.data(), '\\', inner.size()) == nullptr) return inner == expected;
  UnescapedRuns runs(text);
  for (std::string_view run; runs.Next(&run); expected.remove_prefix(run.size())) {
    if (!expected.starts_with(run)) return false;
  }
  return expected.empty();
}

std::optional<std::size_t> Unescape(std::string_view text, char* buffer, std::size_t capacity) {
  std::size_t used = 0;
  UnescapedRuns runs(text);
  for (std::string_view run; runs.Next(&run); used += run.size()) {
    if (run.size() > capacity - used) return std::nullopt;
    std::memcpy(buffer + used, run.data(), run.size());
  }
  return used;
}

std::string Unescape(std::string_view text) {
  std::string out;
  UnescapedRuns runs(text);
  for (std::string_view run; runs.Next(&run);) out.append(run);
  return out;
}

bool UnescapedRuns::Next(std::string_view* run) {
  if (p_ == end_) return false;
  const auto left = static_cast<std::size_t>(end_ - p_);
  const auto* const escape = static_cast<const char*>(std::memchr(p_, '\\', left));
  if (escape != p_) {
    *run = {p_, escape == nullptr ? left : static_cast<std::size_t>(escape - p_)};
    p_ += run->size();
    return true;
  }
  const Character character = DecodeEscape(p_);
  std::memcpy(character_, character.bytes, sizeof character_);
  *run = {character_, character.size};
  p_ += character.text_size;
  return true;
}

void AppendQuoted(std::string_view bytes, std::string* out) {
  static constexpr auto kNeedsEscape = [] {
    std::array<bool, 256> needs{};
    for (std::size_t byte = 0; byte < 0x20; ++byte) needs[byte] = true;
    needs[0x7F] = needs['"'] = needs['\\'] = true;
    return needs;
  }();
  constexpr char kHex[] = "0123456789abcdef";
  out->push_back('"');
  std::size_t run_begin = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    const auto byte = static_cast<unsigned char>(c);
    if (!kNeedsEscape[byte]) continue;
    out->append(bytes.substr(run_begin, i - run_begin));
    run_begin = i + 1;
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else {
      out->append("\\u00");
      out->push_back(kHex[byte >> 4]);
      out->push_back(kHex[byte & 0xF]);
    }
  }
  out->append(bytes.substr(run_begin)).push_back('"');
}

}  // namespace dedup::json
