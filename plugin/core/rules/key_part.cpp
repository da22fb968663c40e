#include "plugin/core/rules/key_part.h"

#include <algorithm>
#include <cstring>

#include "plugin/core/rules/hash_text.h"
#include "plugin/core/rules/key_words.h"
#include "plugin/core/text/json.h"
#include "plugin/core/text/utf8.h"

namespace dedup {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::string_view kCut = "\xE2\x80\xA6";  // …
constexpr std::size_t kFingerprintBytes = 17;

bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7F && c != '\\' && c != '|';
}

// C1 control characters, which are UTF-8.
bool IsControl(std::string_view character) {
  return character.size() == 2 && character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
}

// Appends to the buffer, a whole character at a time, until it is full.
class Line {
 public:
  Line(const KeyHash& key, const HashSecret& secret, KeyTextBuffer& buffer)
      : key_(key), secret_(secret), buffer_(buffer) {}

  void Add(std::string_view bytes) {
    is_full_ |= bytes.size() > buffer_.size() - size_;
    if (is_full_) return;
    std::memcpy(buffer_.data() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  // A part's.
  void AddText(std::string_view text) {
    if (text.front() == '#' || text == "-") Add("\\");
    while (!text.empty() && !is_full_) {
      const auto run = static_cast<std::size_t>(std::ranges::find_if_not(text, IsPlain) - text.begin());
      const std::size_t room = buffer_.size() - size_;
      if (run > room) {
        Add(text.substr(0, room));
        is_full_ = true;
        return;
      }
      Add(text.substr(0, run));
      text.remove_prefix(run);
      if (!text.empty()) text.remove_prefix(AddOther(text));
    }
  }

  void AddFingerprint() {
    SipHash128 hash(secret_);
    hash.Add(FirstWord(HashUse::kFingerprint));
    hash.Add(key_.high);
    hash.Add(key_.low);
    const std::uint64_t fingerprint = hash.Finish().low;
    char digits[kFingerprintBytes] = {'#'};
    for (std::size_t i = 1; i < sizeof digits; ++i)
      digits[i] = kHex[fingerprint >> (4 * (sizeof digits - 1 - i)) & 0xF];
    Add({digits, sizeof digits});
  }

  // The end of a line that was too long.
  void Cut() {
    if (!is_full_) return;
    is_full_ = false;
    constexpr std::size_t kRoom = kKeyTextBytesMax - kCut.size() - kFingerprintBytes;
    if (size_ > kRoom) {
      size_ = kRoom;
      while ((static_cast<unsigned char>(buffer_[size_]) & 0xC0) == 0x80) --size_;  // to a character's beginning
    }
    Add(kCut);
    AddFingerprint();
  }

  std::string_view text() const { return {buffer_.data(), size_}; }

 private:
  // A character that is not plain; returns how many bytes it has taken.
  std::size_t AddOther(std::string_view text) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte >= 0x80) {
      const std::size_t size = Utf8Size(text);
      if (size != 0 && !IsControl(text.substr(0, size))) {
        Add(text.substr(0, size));
        return size;
      }
    }
    if (text.front() == '\\' || text.front() == '|') {
      const char escape[] = {'\\', text.front()};
      Add({escape, sizeof escape});
    } else {
      const char escape[] = {'\\', 'x', kHex[byte >> 4], kHex[byte & 0xF]};
      Add({escape, sizeof escape});
    }
    return 1;
  }

  const KeyHash& key_;
  const HashSecret& secret_;
  KeyTextBuffer& buffer_;
  std::size_t size_ = 0;
  bool is_full_ = false;
};

bool StandsForItself(const KeyPart& part) {
  if (part.has_escapes || part.text.size() > kKeyTextBytesMax) return false;
  if (part.type == KeyPart::Type::kNumber || part.type == KeyPart::Type::kBoolean) return true;
  return part.type == KeyPart::Type::kString && part.text.front() != '#' && part.text != "-" &&
         std::ranges::all_of(part.text, IsPlain);
}

void AddPartText(const KeyPart& part, Line* line) {
  switch (part.type) {
    case KeyPart::Type::kMissing:
      line->Add("-");
      return;
    case KeyPart::Type::kPayload:
    case KeyPart::Type::kDigest:
      line->AddFingerprint();
      return;
    case KeyPart::Type::kNumber:
    case KeyPart::Type::kBoolean:
    case KeyPart::Type::kString:
      break;
  }
  if (!part.has_escapes) {
    line->AddText(part.text);
    return;
  }
  // A few bytes more than the line has room for will do, since none of them stands for less than itself.
  std::array<char, kKeyTextBytesMax + 4> bytes;
  std::size_t size = 0;
  json::UnescapedRuns runs(part.text);
  for (std::string_view run; size < bytes.size() && runs.Next(&run);) {
    run = run.substr(0, bytes.size() - size);
    std::memcpy(bytes.data() + size, run.data(), run.size());
    size += run.size();
  }
  line->AddText({bytes.data(), size});
}

}  // namespace

SipHash128 WithOtherPart(SipHash128 hash, const KeyPart& part) {
  const auto type = static_cast<std::uint64_t>(part.type);
  if (part.type == KeyPart::Type::kDigest) {
    hash.Add(type);
    for (const std::uint64_t lane : part.digest) hash.Add(lane);
    return hash;
  }
  hash.Add(type | std::uint64_t{UnescapedSize(part.text)} << 8);
  return WithUnescaped(hash, part.text);
}

std::string_view KeyText(std::span<const KeyPart> parts, const KeyHash& key, const HashSecret& secret,
                         KeyTextBuffer& buffer) {
  if (parts.size() == 1 && StandsForItself(parts.front())) return parts.front().text;
  Line line(key, secret, buffer);
  for (const KeyPart& part : parts) {
    if (&part != parts.data()) line.Add("|");
    AddPartText(part, &line);
  }
  line.Cut();
  return line.text();
}

}  // namespace dedup
