#include "plugin/core/rules/field_scan.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace dedup {
namespace {

// Wire types of protobuf's encoding.
constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kI64 = 1;
constexpr std::uint32_t kLen = 2;
constexpr std::uint32_t kGroupStart = 3;
constexpr std::uint32_t kGroupEnd = 4;
constexpr std::uint32_t kI32 = 5;

constexpr std::uint64_t kTagMax = UINT32_MAX;

// Behind the number at `p`; nullptr where there is none of at most 64 bits.
const char* ReadVarint(const char* p, const char* end, std::uint64_t* number) {
  *number = 0;
  for (int shift = 0; shift < 64 && p != end; shift += 7) {
    const auto byte = static_cast<unsigned char>(*p++);
    if (shift == 63 && byte > 1) return nullptr;
    *number |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return p;
  }
  return nullptr;
}

template <class Word>
const char* ReadWord(const char* p, const char* end, std::uint64_t* number) {
  Word word;
  if (static_cast<std::size_t>(end - p) < sizeof word) return nullptr;
  std::memcpy(&word, p, sizeof word);
  *number = word;
  return p + sizeof word;
}

}  // namespace

void FieldScan::Run(const PointerTree& tree, std::string_view payload) {
  tree_ = &tree;
  ++run_;
  is_message_ = ReadFields(payload.data(), payload.data() + payload.size(), PointerTree::kRoot, 0, 0) != nullptr;
}

// Behind the last field of the message that ends at `end`, or of the group with that number; nullptr at an error.
const char* FieldScan::ReadFields(const char* p, const char* end, PointerTree::Node node, std::uint32_t group,
                                  int depth) {
  while (p != end) {
    std::uint64_t tag = 0;
    p = ReadVarint(p, end, &tag);
    if (p == nullptr || tag > kTagMax || tag >> 3 == 0) return nullptr;
    const auto field = static_cast<std::uint32_t>(tag >> 3);
    const auto type = static_cast<std::uint32_t>(tag & 7);
    if (type == kGroupEnd) return field == group ? p : nullptr;

    const PointerTree::Node child = Visit(node, field);
    std::uint64_t number = 0;
    switch (type) {
      case kVarint:
        p = ReadVarint(p, end, &number);
        break;
      case kI64:
        p = ReadWord<std::uint64_t>(p, end, &number);
        break;
      case kI32:
        p = ReadWord<std::uint32_t>(p, end, &number);
        break;
      case kLen:
        p = ReadVarint(p, end, &number);
        if (p == nullptr || number > static_cast<std::uint64_t>(end - p)) return nullptr;
        if (child != PointerTree::kNone) {
          NoteBytes(child, {p, number});
          ReadMessage({p, number}, child);
        }
        p += number;
        continue;
      case kGroupStart:
        p = depth == kGroupDepthMax ? nullptr : ReadFields(p, end, child, field, depth + 1);
        if (p == nullptr) return nullptr;
        continue;
      default:
        return nullptr;
    }
    if (p == nullptr) return nullptr;
    if (child != PointerTree::kNone) NoteNumber(child, number);
  }
  return group == 0 ? p : nullptr;
}

void FieldScan::ReadMessage(std::string_view bytes, PointerTree::Node node) {
  if (!tree_->HasChildren(node)) return;
  if (ReadFields(bytes.data(), bytes.data() + bytes.size(), node, 0, 0) == nullptr) ForgetBelow(node);
}

// The child for a field that comes for the first time.
PointerTree::Node FieldScan::Visit(PointerTree::Node parent, std::uint32_t number) {
  if (parent == PointerTree::kNone) return PointerTree::kNone;
  const auto fields = tree_->Elements(parent);
  const auto field = std::ranges::lower_bound(fields, number, {}, &PointerTree::Element::index);
  if (field == fields.end() || field->index != number) return PointerTree::kNone;
  Entry& entry = found_[field->node];
  if (entry.run == run_) return PointerTree::kNone;
  entry.run = run_;
  entry.kind = Kind::kNothing;
  return field->node;
}

void FieldScan::NoteNumber(PointerTree::Node node, std::uint64_t number) {
  Entry& entry = found_[node];
  entry.kind = Kind::kNumber;
  char* const begin = entry.digits.data();
  entry.size = static_cast<std::uint8_t>(std::to_chars(begin, begin + entry.digits.size(), number).ptr - begin);
}

void FieldScan::NoteBytes(PointerTree::Node node, std::string_view bytes) {
  if (bytes.empty()) return;
  found_[node].kind = Kind::kBytes;
  found_[node].bytes = bytes;
}

void FieldScan::ForgetBelow(PointerTree::Node node) {
  tree_->ForEachChild(node, [this](PointerTree::Node child) {
    found_[child].kind = Kind::kNothing;
    ForgetBelow(child);
  });
}

}  // namespace dedup
