#include "plugin/core/rules/payload_digest.h"

#include <algorithm>
#include <array>
#include <bit>

#include "plugin/core/rules/hash_text.h"

namespace dedup {
namespace {

// What a word that begins a step or a leaf says, in its highest byte: this, and the size of a text of up to 7 bytes,
// which the word holds. A longer one follows behind the word, which holds its size. So ways and leaves can be told from
// their words alone.
enum class Tag : std::uint64_t {
  kName = 1,
  kLongName,
  kIndex,
  kString,
  kLongString,
  kNumber,
  kLongNumber,
  kTrue,
  kFalse,
  kNull,
  kEmptyObject,
  kEmptyArray,
};

constexpr std::size_t kShortMax = 7;
constexpr std::uint32_t kTableSize = 2 * PayloadDigest::kNamesMax;  // half full at most
constexpr std::uint32_t kTableSizeMin = 64;
static_assert(kTableSize <= 1 << 16 && json::kDepthMax <= 1 << 16, "what a Name has room for");

constexpr std::uint64_t Word(Tag tag, std::uint64_t rest = 0) { return static_cast<std::uint64_t>(tag) << 59 | rest; }
constexpr Tag Long(Tag tag) { return static_cast<Tag>(static_cast<std::uint64_t>(tag) + 1); }

// Hashes go through here by value: one whose address is known elsewhere would be kept in memory, not in registers.
[[gnu::always_inline]] inline SipHash128 WithText(SipHash128 hash, Tag tag, std::string_view text) {
  if (text.size() <= kShortMax) {
    hash.Add(Word(tag, std::uint64_t{text.size()} << 56 | SipHash128::LoadShort(text)));
  } else {
    hash.Add(Word(Long(tag), text.size()));
    hash.Add(text);
  }
  return hash;
}

[[gnu::noinline]] SipHash128 WithEscapedText(SipHash128 hash, Tag tag, std::string_view text) {
  std::array<char, kShortMax + 1> bytes;  // a whole word
  if (const auto size = json::Unescape(text, bytes.data(), kShortMax)) {
    return WithText(hash, tag, {bytes.data(), *size});
  }
  hash.Add(Word(Long(tag), UnescapedSize(text)));
  return WithUnescaped(hash, text);
}

// A string's text, with its quotes.
[[gnu::always_inline]] inline SipHash128 WithString(SipHash128 hash, Tag tag, std::string_view text, bool has_escapes) {
  const std::string_view inner = json::Inner(text);
  const bool is_plain = !has_escapes || inner.find('\\') == std::string_view::npos;
  return is_plain ? WithText(hash, tag, inner) : WithEscapedText(hash, tag, text);
}

}  // namespace

PayloadDigest::PayloadDigest()
    : frames_(json::kDepthMax, Frame{SipHash128(HashSecret{}), 0, 0, 0, false, false}),
      names_(kNamesMax),
      table_(kTableSize) {}

PayloadDigest::Status PayloadDigest::Make(std::string_view payload, const PointerTree& ignored,
                                          const SipHash128& seed) {
  sum_ = {};
  in_doubt_ = false;
  payload_ = payload.data();
  table_mask_ = kTableSizeMin - 1;
  json::Reader reader(payload);
  const bool is_object = reader.EnterObject();
  if (is_object || reader.EnterArray()) {
    frames_[0] = {seed, PointerTree::kRoot, 0, 0, is_object, true};
    ReadContainers(reader, ignored);
    ForgetNames(0);
  } else {
    json::Value value;
    if (reader.ReadDocument(&value)) AddLeaf(seed, value, reader.has_escapes());
  }
  if (!reader.ok()) return Status::kNotJson;
  return in_doubt_ ? Status::kInDoubt : Status::kMade;
}

[[gnu::always_inline]] inline void PayloadDigest::AddLeaf(SipHash128 way, const json::Value& value, bool has_escapes) {
  switch (value.kind) {
    case json::Kind::kString:
      way = WithString(way, Tag::kString, value.text, has_escapes);
      break;
    case json::Kind::kNumber:
      way = WithText(way, Tag::kNumber, value.text);
      break;
    case json::Kind::kTrue:
      way.Add(Word(Tag::kTrue));
      break;
    case json::Kind::kFalse:
      way.Add(Word(Tag::kFalse));
      break;
    default:
      way.Add(Word(Tag::kNull));
  }
  AddSettled(way);
}

void PayloadDigest::AddLeaf(SipHash128 way, std::uint64_t word) {
  way.Add(word);
  AddSettled(way);
}

[[gnu::always_inline]] inline void PayloadDigest::AddSettled(SipHash128& leaf) {
  const Digest settled = leaf.Settle();
  for (std::size_t i = 0; i < std::size(sum_.lanes); ++i) sum_.lanes[i] += settled.lanes[i];
}

// From within the outermost container to the end of the document.
void PayloadDigest::ReadContainers(json::Reader& reader, const PointerTree& ignored) {
  Frame* frame = frames_.data();
  std::string_view name;
  json::Value value;
  for (;;) {
    if (!(frame->is_object ? reader.NextMemberOrEnter(&name, &value) : reader.NextElementOrEnter(&value))) {
      if (!reader.ok()) return;
      if (frame->is_empty) AddLeaf(frame->way, Word(frame->is_object ? Tag::kEmptyObject : Tag::kEmptyArray));
      ForgetNames(frame->first_name);
      if (frame == frames_.data()) return;
      --frame;
      continue;
    }
    const bool has_escapes = reader.has_escapes();
    const bool is_container = value.kind == json::Kind::kObject || value.kind == json::Kind::kArray;
    const PointerTree::Node node = NodeOf(*frame, ignored, name, has_escapes);
    if (node != PointerTree::kNone && ignored.IsEnd(node)) {
      ++frame->index;
      if (is_container && !(value.kind == json::Kind::kObject ? reader.SkipMembers() : reader.SkipElements())) return;
      continue;
    }
    SipHash128 way = frame->way;
    if (frame->is_object) {
      way = WithString(way, Tag::kName, name, has_escapes);
      const auto depth = static_cast<std::uint32_t>(frame - frames_.data());
      in_doubt_ |= !AddName(depth, name, way.Fold(), has_escapes);
    } else {
      way.Add(Word(Tag::kIndex, frame->index++));
    }
    frame->is_empty = false;
    if (is_container) {
      *++frame = {way, node, 0, name_count_, value.kind == json::Kind::kObject, true};
    } else {
      AddLeaf(way, value, has_escapes);
    }
  }
}

inline PointerTree::Node PayloadDigest::NodeOf(const Frame& frame, const PointerTree& ignored, std::string_view name,
                                               bool has_escapes) const {
  if (frame.node == PointerTree::kNone) return PointerTree::kNone;
  if (frame.is_object) {
    return has_escapes ? ignored.EscapedMember(frame.node, name) : ignored.Member(frame.node, json::Inner(name));
  }
  const auto elements = ignored.Elements(frame.node);
  const auto element = std::ranges::lower_bound(elements, frame.index, {}, &PointerTree::Element::index);
  return element != elements.end() && element->index == frame.index ? element->node : PointerTree::kNone;
}

// False when the object has had a member of that name, or there are too many of them.
inline bool PayloadDigest::AddName(std::uint32_t depth, std::string_view name, std::uint32_t hash, bool has_escapes) {
  if (2 * name_count_ > table_mask_) [[unlikely]] {
    if (name_count_ == kNamesMax) return false;
    GrowTable();
  }
  std::uint32_t slot = hash & table_mask_;
  for (; table_[slot] != 0; slot = (slot + 1) & table_mask_) {
    const Name& other = names_[table_[slot] - 1U];
    if (other.hash != hash || other.depth != depth) continue;
    const std::string_view other_name(payload_ + other.begin, other.size);
    if (other_name == name) return false;
    // With escapes the hash of what they mean has to do: one name in 2^32 is then taken for another.
    if (has_escapes && (other_name.find('\\') != other_name.npos || name.find('\\') != name.npos)) return false;
  }
  names_[name_count_++] = {static_cast<std::uint32_t>(name.data() - payload_), static_cast<std::uint32_t>(name.size()),
                           hash, static_cast<std::uint16_t>(depth), static_cast<std::uint16_t>(slot)};
  table_[slot] = static_cast<std::uint16_t>(name_count_);
  return true;
}

void PayloadDigest::GrowTable() {
  for (std::uint32_t i = 0; i < name_count_; ++i) table_[names_[i].slot] = 0;
  table_mask_ = 2 * table_mask_ + 1;
  for (std::uint32_t i = 0; i < name_count_; ++i) {
    std::uint32_t slot = names_[i].hash & table_mask_;
    while (table_[slot] != 0) slot = (slot + 1) & table_mask_;
    names_[i].slot = static_cast<std::uint16_t>(slot);
    table_[slot] = static_cast<std::uint16_t>(i + 1);
  }
}

inline void PayloadDigest::ForgetNames(std::uint32_t first) {
  while (name_count_ > first) table_[names_[--name_count_].slot] = 0;
}

}  // namespace dedup
