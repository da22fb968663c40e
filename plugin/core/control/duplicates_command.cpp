#include "plugin/core/control/duplicates_command.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

#include "plugin/core/contract/control.h"
#include "plugin/core/text/json.h"
#include "plugin/core/text/json_writer.h"

namespace dedup {
namespace {

std::optional<std::uint64_t> SeqOf(const json::Value& value) {
  std::uint64_t seq = 0;
  const char* const end = value.text.data() + value.text.size();
  const auto [stop, error] = std::from_chars(value.text.data(), end, seq);
  if (error != std::errc() || stop != end) return std::nullopt;
  return seq;
}

// Nothing where they are not what is expected.
std::optional<std::vector<std::uint64_t>> SeqsOf(std::string_view command) {
  json::Reader reader(command);
  if (!reader.EnterObject()) return std::nullopt;
  std::string_view name;
  for (json::Value value; reader.NextMember(&name, &value);) {
    if (!json::Means(name, "seqs")) continue;
    std::vector<std::uint64_t> seqs;
    json::Reader elements(value.text);
    if (!elements.EnterArray()) return std::nullopt;
    for (json::Value element; elements.NextElement(&element);) {
      const auto seq = SeqOf(element);
      if (!seq || seqs.size() == kDuplicatesSeqsMax) return std::nullopt;
      seqs.push_back(*seq);
    }
    return seqs;
  }
  return std::nullopt;
}

}  // namespace

std::string TellDuplicates(std::string_view command, const DuplicateCounts& counts) {
  const auto seqs = SeqsOf(command);
  if (!seqs) {
    return ObjectText()
        .AddText("error",
                 "\"seqs\" must be an array of at most " + std::to_string(kDuplicatesSeqsMax) + " numbers of events")
        .Take();
  }
  std::vector<std::string> events;
  for (const std::uint64_t seq : *seqs) {
    const auto count = counts.Of(seq);
    if (!count) continue;
    events.push_back(ObjectText()
                         .Add("seq", seq)
                         .Add("duplicates", count->duplicates)
                         .AddRaw("is_exact", count->is_exact ? "true" : "false")
                         .Take());
  }
  return ObjectText().AddRaw("events", ArrayText({events.begin(), events.end()})).Take();
}

}  // namespace dedup
