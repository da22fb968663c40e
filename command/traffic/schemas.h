// Which members messages have, and which of these sets are of a kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "command/capture/capture.h"

namespace dedup::command {

/// Which members a message has. Those of a user property and of a JSON member with the same name are one.
struct Schema {
  bool is_json = false;
  std::vector<std::uint32_t> names;  ///< numbers, sorted; none behind the first few thousand schemas
  std::size_t count = 0;             ///< messages
};

struct Schemas {
  std::vector<Schema> all;
  std::vector<std::uint32_t> of_message;  ///< by message
  std::vector<std::uint32_t> kind;        ///< by schema: the number of the most frequent one of its kind
};

/// Schemas are of a kind if they are similar (Jaccard >= 0.5), whatever the topics.
Schemas SchemasOf(std::span<const Message> messages);

}  // namespace dedup::command
