// Messages that are of one kind, by topic, format and members.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command/capture/capture.h"
#include "command/traffic/payload_format.h"
#include "command/traffic/topic_patterns.h"

namespace dedup::command {

struct Group {
  Format format = Format::kOpaque;
  std::size_t depth = 0;                   ///< levels
  Pattern pattern;                         ///< the levels, `+` where they vary or look like an id
  std::vector<std::uint32_t> rows;         ///< numbers of its messages in the capture, ascending
  std::vector<std::string> nested_fields;  ///< kProtobuf: paths of fields that are messages
  bool is_mixed = false;                   ///< several kinds of JSON on the same topics: only the whole counts
  bool has_two_forms = false;              ///< what is a member in one message is a user property in another

  std::string Filter() const;
};

/// Groups of all messages, largest first. Same depth and format, and for JSON similar members (Jaccard >= 0.5).
std::vector<Group> GroupsOf(std::span<const Message> messages);

}  // namespace dedup::command
