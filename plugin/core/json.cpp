#include "json.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "byte_block.h"

namespace dedup::json {
namespace {

// The bytes that a plain run of a string cannot hold.
ByteBlock::Matches Stops(const ByteBlock& block) {
  return block.Equal('"') | block.Equal('\\') | block.ControlOrNotAscii();
}

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

// Calls sink(bytes, size) for the runs of the string's meaning; stops early when sink returns false.
template <class Sink>
bool ForEachRun(std::string_view text, Sink sink) {
  const char* p = text.data() + 1;
  const char* const end = text.data() + text.size() - 1;
  while (p != end) {
    const auto* escape = static_cast<const char*>(std::memchr(p, '\\', static_cast<std::size_t>(end - p)));
    const char* const run_end = escape == nullptr ? end : escape;
    if (run_end != p && !sink(p, static_cast<std::size_t>(run_end - p))) return false;
    p = run_end;
    if (p == end) break;
    const Character character = DecodeEscape(p);
    if (!sink(character.bytes, character.size)) return false;
    p += character.text_size;
  }
  return true;
}

}  // namespace

Reader::Reader(std::string_view document)
    : begin_(document.data()), position_(document.data()), end_(document.data() + document.size()) {}

bool Reader::Fail(const char* reason) {
  if (reason_ == nullptr) reason_ = reason;
  return false;
}

inline void Reader::SkipWhitespace() {
  if (position_ != end_ && *position_ > ' ') return;  // most often
  while (position_ != end_ && (*position_ == ' ' || *position_ == '\n' || *position_ == '\r' || *position_ == '\t')) {
    ++position_;
  }
}

bool Reader::Enter(char open) {
  const char* const start = position_;
  SkipWhitespace();
  if (position_ != end_ && *position_ == open) {
    ++position_;
    first_ = true;
    depth_max_ = kDepthMax - 1;
    return true;
  }
  position_ = start;
  return false;
}

bool Reader::EnterObject() { return Enter('{'); }
bool Reader::EnterArray() { return Enter('['); }

bool Reader::AtEndOfDocument() {
  SkipWhitespace();
  return position_ == end_ || Fail("something follows the end of the document");
}

// Moves to the next member or element; false at the container's end.
bool Reader::NextInContainer(char close) {
  if (!ok()) return false;
  SkipWhitespace();
  if (position_ == end_) return Fail("the document ends inside an object or array");
  if (*position_ == close) {
    ++position_;
    AtEndOfDocument();
    return false;
  }
  if (!first_) {
    if (*position_ != ',') return Fail("expected a comma or the closing bracket");
    ++position_;
    SkipWhitespace();
  }
  first_ = false;
  return true;
}

bool Reader::NextMember(std::string_view* name, Value* value) {
  if (!NextInContainer('}')) return false;
  const char* const start = position_;
  if (!SkipString()) return false;
  *name = {start, static_cast<std::size_t>(position_ - start)};
  SkipWhitespace();
  if (position_ == end_ || *position_ != ':') return Fail("expected a colon after a member's name");
  ++position_;
  return ReadValue(value);
}

bool Reader::NextElement(Value* value) { return NextInContainer(']') && ReadValue(value); }

bool Reader::ReadDocument(Value* value) { return ReadValue(value) && AtEndOfDocument(); }

bool Reader::ReadValue(Value* value) {
  SkipWhitespace();
  const char* const start = position_;
  if (position_ == end_) return Fail("expected a value");
  if (*position_ == '{' || *position_ == '[') {
    value->kind = *position_ == '{' ? Kind::kObject : Kind::kArray;
    if (!SkipContainer()) return false;
  } else if (!SkipScalar(&value->kind)) {
    return false;
  }
  value->text = {start, static_cast<std::size_t>(position_ - start)};
  return true;
}

// A loop with one bit per open container in place of recursion: the nesting of the input must not become our stack.
bool Reader::SkipContainer() {
  std::array<bool, kDepthMax> in_object;  // uninitialised on purpose: only [0, depth) is read
  int depth = 0;
  for (;;) {
    // Here a value begins.
    SkipWhitespace();
    if (position_ == end_) return Fail("expected a value");
    const char c = *position_;
    if (c == '{' || c == '[') {
      if (depth == depth_max_) return Fail("nested too deeply");
      in_object[static_cast<std::size_t>(depth++)] = c == '{';
      ++position_;
      SkipWhitespace();
      if (position_ == end_) return Fail("the document ends inside an object or array");
      if (*position_ != (c == '{' ? '}' : ']')) {
        if (c == '{' && !SkipName()) return false;
        continue;
      }
      ++position_;
      --depth;
    } else {
      Kind kind;
      if (!SkipScalar(&kind)) return false;
    }
    // Here a value has ended.
    for (;; --depth, ++position_) {
      if (depth == 0) return true;
      SkipWhitespace();
      if (position_ == end_) return Fail("the document ends inside an object or array");
      const bool object = in_object[static_cast<std::size_t>(depth - 1)];
      if (*position_ == ',') {
        ++position_;
        if (object) {
          SkipWhitespace();
          if (!SkipName()) return false;
        }
        break;
      }
      if (*position_ != (object ? '}' : ']')) return Fail("expected a comma or the closing bracket");
    }
  }
}

bool Reader::SkipName() {
  if (!SkipString()) return false;
  SkipWhitespace();
  if (position_ == end_ || *position_ != ':') return Fail("expected a colon after a member's name");
  ++position_;
  return true;
}

bool Reader::SkipScalar(Kind* kind) {
  switch (*position_) {
    case '"':
      *kind = Kind::kString;
      return SkipString();
    case 't':
      *kind = Kind::kTrue;
      return SkipWord("true");
    case 'f':
      *kind = Kind::kFalse;
      return SkipWord("false");
    case 'n':
      *kind = Kind::kNull;
      return SkipWord("null");
    default:
      *kind = Kind::kNumber;
      return SkipNumber();
  }
}

bool Reader::SkipWord(std::string_view word) {
  if (static_cast<std::size_t>(end_ - position_) < word.size() ||
      std::memcmp(position_, word.data(), word.size()) != 0) {
    return Fail("expected a value");
  }
  position_ += word.size();
  return true;
}

bool Reader::SkipNumber() {
  const char* p = position_;
  const auto digits = [&] {
    const char* const start = p;
    while (p != end_ && IsDigit(*p)) ++p;
    return p != start;
  };
  if (*p == '-') ++p;
  const char* const integer = p;
  if (!digits()) return Fail("expected a value");
  if (*integer == '0' && p - integer > 1) return Fail("a number with a leading zero");
  if (p != end_ && *p == '.') {
    ++p;
    if (!digits()) return Fail("a number without digits after the point");
  }
  if (p != end_ && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end_ && (*p == '+' || *p == '-')) ++p;
    if (!digits()) return Fail("a number without digits in its exponent");
  }
  position_ = p;
  return true;
}

// Moves to the next byte of a string that needs a look of its own, or to the document's end.
inline void Reader::SkipPlainRun() {
  while (static_cast<std::size_t>(end_ - position_) >= ByteBlock::kBytes) {
    const auto stops = Stops(ByteBlock(position_));
    if (stops.any()) {
      position_ += stops.first();
      return;
    }
    position_ += ByteBlock::kBytes;
  }
  const auto left = static_cast<std::size_t>(end_ - position_);
  if (left == 0) return;
  if (static_cast<std::size_t>(end_ - begin_) >= ByteBlock::kBytes) {
    // The document's last block, without those of its bytes that were looked at already.
    const auto stops = Stops(ByteBlock(end_ - ByteBlock::kBytes)).Skip(ByteBlock::kBytes - left);
    position_ = stops.any() ? position_ + stops.first() : end_;
    return;
  }
  while (position_ != end_ && *position_ != '"' && *position_ != '\\' && *position_ >= 0x20 && *position_ < 0x7F) {
    ++position_;
  }
}

inline bool Reader::SkipString() {
  if (position_ == end_ || *position_ != '"') return Fail("expected a string");
  ++position_;
  SkipPlainRun();
  if (position_ != end_ && *position_ == '"') {
    ++position_;
    return true;
  }
  return SkipRestOfString();
}

bool Reader::SkipRestOfString() {
  for (;; SkipPlainRun()) {
    if (position_ == end_) return Fail("the document ends inside a string");
    const auto c = static_cast<unsigned char>(*position_);
    if (c == '"') {
      ++position_;
      return true;
    }
    if (c == '\\') {
      if (!SkipEscape()) return false;
    } else if (c < 0x20) {
      return Fail("a control character inside a string must be escaped");
    } else if (c < 0x80) {
      ++position_;
    } else {
      do {
        if (!SkipMultibyte()) return false;
      } while (position_ != end_ && static_cast<unsigned char>(*position_) >= 0x80);
    }
  }
}

bool Reader::SkipEscape() {
  const auto left = static_cast<std::size_t>(end_ - position_);
  if (left < 2) return Fail("the document ends inside a string");
  switch (position_[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      position_ += 2;
      return true;
    case 'u':
      break;
    default:
      return Fail("an unknown escape inside a string");
  }
  const int unit = left < 6 ? -1 : HexQuad(position_ + 2);
  if (unit < 0) return Fail("\\u without four hex digits");
  if (IsLowSurrogate(unit)) return Fail("a lone surrogate inside a string");
  if (!IsHighSurrogate(unit)) {
    position_ += 6;
    return true;
  }
  if (left < 12 || position_[6] != '\\' || position_[7] != 'u' || !IsLowSurrogate(HexQuad(position_ + 8))) {
    return Fail("a lone surrogate inside a string");
  }
  position_ += 12;
  return true;
}

// Unicode 15, table 3-7: the well-formed byte sequences of UTF-8.
bool Reader::SkipMultibyte() {
  const auto left = static_cast<std::size_t>(end_ - position_);
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(position_[i]); };
  const auto continuation = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead >= 0xC2 && lead <= 0xDF) {
    if (left < 2 || !continuation(1)) return Fail("invalid UTF-8 inside a string");
    position_ += 2;
    return true;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (left < 3 || !continuation(1) || !continuation(2) || (lead == 0xE0 && byte(1) < 0xA0) ||
        (lead == 0xED && byte(1) > 0x9F)) {
      return Fail("invalid UTF-8 inside a string");
    }
    position_ += 3;
    return true;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (left < 4 || !continuation(1) || !continuation(2) || !continuation(3) || (lead == 0xF0 && byte(1) < 0x90) ||
        (lead == 0xF4 && byte(1) > 0x8F)) {
      return Fail("invalid UTF-8 inside a string");
    }
    position_ += 4;
    return true;
  }
  return Fail("invalid UTF-8 inside a string");
}

bool MayMention(std::string_view document, std::string_view name) {
  if (name.empty() || document.size() < name.size() - 1 + ByteBlock::kBytes) return true;
  const std::size_t last = name.size() - 1;
  if (std::memchr(document.data(), '\\', last) != nullptr) return true;
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
  const std::string_view inner = text.substr(1, text.size() - 2);
  // An escape is longer than what it means.
  if (inner.size() < expected.size()) return false;
  if (std::memchr(inner.data(), '\\', inner.size()) == nullptr) return inner == expected;
  std::size_t matched = 0;
  return ForEachRun(text,
                    [&](const char* bytes, std::size_t size) {
                      if (expected.substr(matched, size) != std::string_view(bytes, size)) return false;
                      matched += size;
                      return true;
                    }) &&
         matched == expected.size();
}

std::optional<std::size_t> Unescape(std::string_view text, char* buffer, std::size_t capacity) {
  std::size_t used = 0;
  const bool fits = ForEachRun(text, [&](const char* bytes, std::size_t size) {
    if (size > capacity - used) return false;
    std::memcpy(buffer + used, bytes, size);
    used += size;
    return true;
  });
  if (!fits) return std::nullopt;
  return used;
}

std::string Unescape(std::string_view text) {
  std::string out;
  ForEachRun(text, [&](const char* bytes, std::size_t size) {
    out.append(bytes, size);
    return true;
  });
  return out;
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
