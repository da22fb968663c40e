// The journal's bytes: one home of the format for writer and reader. The grammar: docs/internals/disk-format.md.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "plugin/core/event/event.h"

namespace dedup {

static_assert(std::endian::native == std::endian::little, "the journal is little-endian and is used in place");

enum class RecordKind : std::uint8_t {
  kEvent = 1,     ///< an event was accepted
  kHandedOn = 2,  ///< an event that was in doubt at the start has been handed on
};

/// What stands before a record's bytes: topic, event_id, with a rule a RecordRule and its name, properties, payload,
/// zeros up to a multiple of 8.
struct RecordHeader {
  std::uint32_t crc32c;      // of everything behind this field, up to size_bytes
  std::uint32_t size_bytes;  // of the whole record, a multiple of 8
  std::uint64_t mark;        // the position in the journal's endless stream, XOR 64 bits of its secret: tells a record
                             // from one of an earlier lap, and from bytes that a publisher shaped like a record
  std::uint64_t seq;
  std::int64_t received_us;
  std::int64_t accepted_ms;
  std::uint32_t payload_bytes;
  std::uint32_t properties_bytes;
  std::uint16_t topic_bytes;
  std::uint16_t event_id_bytes;
  RecordKind kind;
  std::uint8_t qos;
  std::uint8_t flags;
  std::uint8_t rule_name_bytes;  // 0: no rule
};
static_assert(sizeof(RecordHeader) == 56);

inline constexpr std::uint8_t kRetainFlag = 1;
inline constexpr std::uint8_t kIdOnlyFlag = 2;

struct RecordRule {
  KeyHash key;
  std::int64_t window_ms;
};
static_assert(sizeof(RecordRule) == 24);
inline constexpr std::size_t kRecordAlignment = 8;

inline std::size_t RecordBytes(const Event& event) {
  std::size_t size = sizeof(RecordHeader) + event.topic.size() + event.event_id.size() + event.properties.size() +
                     event.payload.size();
  if (!event.rule.name.empty()) size += sizeof(RecordRule) + event.rule.name.size();
  return (size + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

}  // namespace dedup
