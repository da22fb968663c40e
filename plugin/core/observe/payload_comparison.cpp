#include "plugin/core/observe/payload_comparison.h"

#include <algorithm>
#include <optional>

#include "plugin/core/text/json_pointer.h"

namespace dedup {
namespace {

constexpr std::size_t kLeavesMax = 512;
constexpr std::size_t kContainersMax = 64;
constexpr std::size_t kWaysBytesMax = std::size_t{32} << 10;
constexpr std::size_t kFieldsMax = 256;
constexpr int kFieldDepthMax = 8;

bool IsSame(const json::Value& a, bool a_has_escapes, const json::Value& b, bool b_has_escapes) {
  if (a.kind != b.kind) return false;
  if (a.text == b.text) return true;
  return a.kind == json::Kind::kString && (a_has_escapes || b_has_escapes) &&
         json::Unescape(a.text) == json::Unescape(b.text);
}

// Walks along two sorted ranges and calls differs(element) for each that only one of them has, and for each pair of
// the same place that is not the same.
template <class Range, class Less, class Same, class Differs>
void Merge(const Range& a, const Range& b, const Less& less, const Same& same, const Differs& differs) {
  auto i = a.begin();
  auto j = b.begin();
  while (i != a.end() || j != b.end()) {
    if (j == b.end() || (i != a.end() && less(*i, *j))) {
      differs(*i++, nullptr);
    } else if (i == a.end() || less(*j, *i)) {
      differs(*j++, nullptr);
    } else {
      if (!same(*i, *j)) differs(*i, &*j);
      ++i;
      ++j;
    }
  }
}

bool ReadVarint(std::string_view* bytes, std::uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (bytes->empty()) return false;
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    if (shift < 64) *value |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

}  // namespace

const std::vector<std::string>& PayloadComparison::Compare(std::string_view first, std::string_view copy,
                                                           bool are_protobuf) {
  places_.clear();
  const bool is_small = std::max(first.size(), copy.size()) <= kPayloadBytesMax;
  if (!is_small || !(are_protobuf ? CompareFields(first, copy, "pb:", 0) : CompareJson(first, copy))) {
    places_.clear();
    AddPlace(kWholePayload);
  }
  if (places_.empty()) AddPlace(kOrderOrBlanks);
  return places_;
}

bool PayloadComparison::CompareJson(std::string_view first, std::string_view copy) {
  ways_.clear();
  if (!ReadLeaves(first, &first_leaves_) || !ReadLeaves(copy, &copy_leaves_)) return false;
  const auto less = [this](const Leaf& a, const Leaf& b) { return WayOf(a) < WayOf(b); };
  std::ranges::stable_sort(first_leaves_, less);
  std::ranges::stable_sort(copy_leaves_, less);
  Merge(
      first_leaves_, copy_leaves_, less,
      [](const Leaf& a, const Leaf& b) { return IsSame(a.value, a.has_escapes, b.value, b.has_escapes); },
      [this](const Leaf& leaf, const Leaf*) { AddPlace(leaf.way_bytes == 0 ? kWholePayload : WayOf(leaf)); });
  return true;
}

// False when it is no JSON object or array, or too much.
bool PayloadComparison::ReadLeaves(std::string_view payload, std::vector<Leaf>* leaves) {
  leaves->clear();
  containers_.clear();
  way_.clear();
  json::Reader reader(payload);
  const bool is_object = reader.EnterObject();
  if (!is_object && !reader.EnterArray()) return false;
  containers_.push_back({is_object, true, 0, 0});
  while (!containers_.empty()) {
    Container& container = containers_.back();
    way_.resize(container.way_bytes);
    std::string_view name;
    json::Value value;
    // Whether the name has escapes cannot be told from the reader once it has read the value.
    const bool is_there =
        container.is_object ? reader.NextMemberOrEnter(&name, &value) : reader.NextElementOrEnter(&value);
    if (!is_there) {
      if (!reader.ok()) return false;
      const json::Value nothing = {container.is_object ? json::Kind::kObject : json::Kind::kArray, {}};
      if (container.is_empty && !AddLeaf(nothing, false, leaves)) return false;
      containers_.pop_back();
      continue;
    }
    container.is_empty = false;
    if (container.is_object) {
      AppendToWay(name, name.find('\\') != std::string_view::npos);
    } else {
      way_.append("/").append(std::to_string(container.index++));
    }
    if (value.kind == json::Kind::kObject || value.kind == json::Kind::kArray) {
      if (containers_.size() == kContainersMax) return false;
      containers_.push_back({value.kind == json::Kind::kObject, true, 0, way_.size()});
    } else if (!AddLeaf(value, value.text.find('\\') != std::string_view::npos, leaves)) {
      return false;
    }
  }
  return true;
}

bool PayloadComparison::AddLeaf(const json::Value& value, bool has_escapes, std::vector<Leaf>* leaves) {
  if (leaves->size() == kLeavesMax || ways_.size() + way_.size() > kWaysBytesMax) return false;
  leaves->push_back(
      {static_cast<std::uint32_t>(ways_.size()), static_cast<std::uint32_t>(way_.size()), has_escapes, value});
  ways_ += way_;
  return true;
}

void PayloadComparison::AppendToWay(std::string_view name, bool has_escapes) {
  if (has_escapes) {
    way_ += JsonPointerText({json::Unescape(name)});
    return;
  }
  way_.push_back('/');
  for (const char c : json::Inner(name)) {
    if (c == '~' || c == '/') {
      way_.append(c == '~' ? "~0" : "~1");
    } else {
      way_.push_back(c);
    }
  }
}

// False when one of them is no message, or too much.
bool PayloadComparison::CompareFields(std::string_view first, std::string_view copy, const std::string& way,
                                      int depth) {
  std::vector<Field> first_fields;
  std::vector<Field> copy_fields;
  if (depth > kFieldDepthMax || !ReadFields(first, &first_fields) || !ReadFields(copy, &copy_fields)) return false;
  const auto less = [](const Field& a, const Field& b) {
    return a.number != b.number ? a.number < b.number : a.occurrence < b.occurrence;
  };
  Merge(
      first_fields, copy_fields, less,
      [](const Field& a, const Field& b) { return a.wire_type == b.wire_type && a.bytes == b.bytes; },
      [&](const Field& field, const Field* other) {
        const std::string place = way + std::to_string(field.number);
        // Bytes that are whole fields in both messages are most likely a message of their own.
        constexpr std::uint32_t kLen = 2;
        const bool are_bytes = other != nullptr && field.wire_type == kLen && other->wire_type == kLen;
        const std::size_t places = places_.size();
        if (are_bytes && !field.bytes.empty() && !other->bytes.empty() &&
            CompareFields(field.bytes, other->bytes, place + ".", depth + 1)) {
          return;
        }
        places_.resize(places);
        AddPlace(place);
      });
  return true;
}

bool PayloadComparison::ReadFields(std::string_view message, std::vector<Field>* fields) {
  while (!message.empty()) {
    if (fields->size() == kFieldsMax) return false;
    std::uint64_t tag;
    if (!ReadVarint(&message, &tag) || tag >> 32 != 0 || tag >> 3 == 0) return false;
    Field field = {static_cast<std::uint32_t>(tag >> 3), 0, static_cast<std::uint32_t>(tag & 7), message};
    std::uint64_t size;
    switch (field.wire_type) {
      case 0:
        if (!ReadVarint(&message, &size)) return false;
        size = 0;
        break;
      case 1:
        size = 8;
        break;
      case 2:
        if (!ReadVarint(&message, &size)) return false;
        field.bytes = message;
        break;
      case 5:
        size = 4;
        break;
      default:  // groups, which nobody makes any more
        return false;
    }
    if (size > message.size()) return false;
    message.remove_prefix(static_cast<std::size_t>(size));
    field.bytes.remove_suffix(message.size());
    fields->push_back(field);
  }
  std::ranges::stable_sort(*fields, {}, &Field::number);
  for (std::size_t i = 1; i < fields->size(); ++i) {
    if ((*fields)[i].number == (*fields)[i - 1].number) (*fields)[i].occurrence = (*fields)[i - 1].occurrence + 1;
  }
  return true;
}

void PayloadComparison::AddPlace(std::string_view place) {
  if (places_.size() < kPlacesMax && std::ranges::find(places_, place) == places_.end()) places_.emplace_back(place);
}

}  // namespace dedup
