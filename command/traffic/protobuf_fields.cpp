#include "command/traffic/protobuf_fields.h"

#include <cstring>
#include <optional>
#include <vector>

namespace dedup::command {
namespace {

constexpr int kDepthMax = 8;

std::optional<std::uint64_t> TakeVarint(std::string_view* bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (bytes->empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 127) << shift;
    if (byte < 128) return value;
  }
  return std::nullopt;
}

struct RawField {
  std::uint32_t field_number;
  bool is_number;
  std::uint64_t number;
  std::string_view bytes;
  std::uint8_t fixed_size = 0;
};

// The fields of one level; nothing when it is not whole.
std::optional<std::vector<RawField>> FieldsOf(std::string_view bytes) {
  std::vector<RawField> fields;
  while (!bytes.empty()) {
    const auto tag = TakeVarint(&bytes);
    if (!tag || *tag >> 3 == 0 || *tag >> 3 > (1u << 29) - 1) return std::nullopt;
    RawField field{static_cast<std::uint32_t>(*tag >> 3), true, 0, {}, 0};
    switch (*tag & 7) {
      case 0: {
        const auto value = TakeVarint(&bytes);
        if (!value) return std::nullopt;
        field.number = *value;
        break;
      }
      case 1:
      case 5: {
        const std::uint8_t size = (*tag & 7) == 1 ? 8 : 4;
        if (bytes.size() < size) return std::nullopt;
        std::memcpy(&field.number, bytes.data(), size);
        field.fixed_size = size;
        bytes.remove_prefix(size);
        break;
      }
      case 2: {
        const auto size = TakeVarint(&bytes);
        if (!size || *size > bytes.size()) return std::nullopt;
        field.is_number = false;
        field.bytes = bytes.substr(0, *size);
        bytes.remove_prefix(*size);
        break;
      }
      default:
        return std::nullopt;
    }
    fields.push_back(field);
  }
  return fields;
}

bool Walk(std::string_view bytes, std::string* path, int depth, const std::function<bool(std::string_view)>& is_nested,
          const std::function<void(const ProtobufField&)>& visit) {
  const auto fields = FieldsOf(bytes);
  if (!fields) return false;
  bool has_repeated = false;
  const std::size_t path_size = path->size();
  for (std::size_t i = 0; i < fields->size(); ++i) {
    const RawField& field = (*fields)[i];
    bool is_first = true;
    for (std::size_t j = 0; j < i; ++j) is_first = is_first && (*fields)[j].field_number != field.field_number;
    has_repeated = has_repeated || !is_first;
    if (!is_first) continue;
    if (path_size != 0) *path += '.';
    *path += std::to_string(field.field_number);
    if (!field.is_number && depth < kDepthMax && is_nested(*path)) {
      has_repeated = Walk(field.bytes, path, depth + 1, is_nested, visit) || has_repeated;
    } else {
      visit({*path, field.is_number, field.number, field.fixed_size, field.bytes});
    }
    path->resize(path_size);
  }
  return has_repeated;
}

}  // namespace

bool IsProtobuf(std::string_view bytes) { return !bytes.empty() && FieldsOf(bytes).has_value(); }

bool WalkProtobuf(std::string_view bytes, const std::function<bool(std::string_view path)>& is_nested,
                  const std::function<void(const ProtobufField&)>& visit) {
  std::string path;
  return Walk(bytes, &path, 0, is_nested, visit);
}

}  // namespace dedup::command
