// The fields of a protobuf message, read from its bytes without a schema.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace dedup::command {

struct ProtobufField {
  std::string_view path;        ///< field numbers, as in "1.6"
  bool is_number = false;       ///< varint, I32 or I64; else bytes
  std::uint64_t number = 0;     ///< its bits
  std::uint8_t fixed_size = 0;  ///< bytes of an I32 or I64, which may be a float or a double; 0: varint
  std::string_view bytes;
};

/// Whether the bytes are fields from the first to the last. Groups are none.
bool IsProtobuf(std::string_view bytes);

/// Calls visit(field) for the first occurrence of each field; returns whether there were others. Of a field of bytes,
/// `is_nested(path)` decides whether it is a message of its own, whose fields are visited in its place. Nothing is
/// visited in what is not whole.
bool WalkProtobuf(std::string_view bytes, const std::function<bool(std::string_view path)>& is_nested,
                  const std::function<void(const ProtobufField&)>& visit);

}  // namespace dedup::command
