#include "command/traffic/payload_format.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "command/traffic/protobuf_fields.h"

namespace dedup::command {
namespace {

constexpr double kMostly = 0.97;          // of the payloads
constexpr std::size_t kSampleMax = 2000;  // payloads that are looked at

bool IsText(std::string_view payload) {
  return std::none_of(payload.begin(), payload.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 32 && c != '\n' && c != '\r' && c != '\t') || byte == 127 || byte >= 0xF8;
  });
}

bool IsMost(std::size_t part, std::size_t all) {
  return static_cast<double>(part) >= kMostly * static_cast<double>(all);
}

// Level by level: a field is a message where nearly all its values are one and hardly any is text.
std::vector<std::string> NestedFieldsOf(std::span<const std::string_view> payloads) {
  struct Tally {
    std::size_t there = 0;
    std::size_t messages = 0;
  };
  std::unordered_map<std::string, bool> nested;
  for (bool found = true; found;) {
    found = false;
    std::unordered_map<std::string, Tally> tallies;
    for (const std::string_view payload : payloads) {
      WalkProtobuf(
          payload,
          [&](std::string_view path) {
            const auto known = nested.find(std::string(path));
            return known != nested.end() && known->second;
          },
          [&](const ProtobufField& field) {
            if (field.is_number || nested.contains(std::string(field.path))) return;
            Tally& tally = tallies[std::string(field.path)];
            ++tally.there;
            tally.messages += IsProtobuf(field.bytes) && !IsText(field.bytes);
          });
    }
    for (const auto& [path, tally] : tallies) {
      const bool is_nested = IsMost(tally.messages, tally.there);
      nested[path] = is_nested;
      found = found || is_nested;
    }
  }
  std::vector<std::string> fields;
  for (const auto& [path, is_nested] : nested) {
    if (is_nested) fields.push_back(path);
  }
  std::sort(fields.begin(), fields.end());
  return fields;
}

}  // namespace

Format BinaryFormatOf(std::span<const Message> messages, std::span<const std::uint32_t> rows,
                      std::vector<std::string>* nested_fields) {
  std::vector<std::string_view> payloads;
  const std::size_t step = std::max<std::size_t>(1, rows.size() / kSampleMax);
  for (std::size_t i = 0; i < rows.size(); i += step) payloads.push_back(messages[rows[i]].payload);
  const auto texts = static_cast<std::size_t>(std::ranges::count_if(payloads, IsText));
  const auto protobufs = static_cast<std::size_t>(std::ranges::count_if(payloads, IsProtobuf));
  if (IsMost(texts, payloads.size()) || !IsMost(protobufs, payloads.size())) return Format::kOpaque;
  *nested_fields = NestedFieldsOf(payloads);
  return Format::kProtobuf;
}

}  // namespace dedup::command
