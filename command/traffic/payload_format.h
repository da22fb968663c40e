// What payloads are: JSON, protobuf or something else.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "command/capture/capture.h"

namespace dedup::command {

enum class Format : std::uint8_t { kJson, kProtobuf, kOpaque };

/// Of the messages with these numbers, none of which need be JSON: kProtobuf or kOpaque. A sample of them is read.
/// `nested_fields` gets the paths of protobuf's fields that are messages themselves, sorted.
Format BinaryFormatOf(std::span<const Message> messages, std::span<const std::uint32_t> rows,
                      std::vector<std::string>* nested_fields);

}  // namespace dedup::command
