#include "plugin/core/control/sys_topics.h"

#include <cstddef>
#include <iterator>
#include <string_view>

namespace dedup {
namespace {

struct SysTopic {
  std::string_view name;
  std::uint64_t (*value)(const Statistics&);
};

constexpr SysTopic kSysTopics[] = {
    {"received", [](const Statistics& statistics) { return statistics.received(); }},
    {"duplicates", [](const Statistics& statistics) { return statistics.duplicates; }},
    {"passed", [](const Statistics& statistics) { return statistics.passed; }},
    {"refused", [](const Statistics& statistics) { return statistics.refused; }},
    {"unstored", [](const Statistics& statistics) { return statistics.unstored; }},
    {"invalid_ids", [](const Statistics& statistics) { return statistics.invalid_ids; }},
    {"journal_bytes", [](const Statistics& statistics) { return statistics.journal_used_bytes; }},
    {"journal_size_bytes", [](const Statistics& statistics) { return statistics.journal_size_bytes; }},
    {"store_failing", [](const Statistics& statistics) { return std::uint64_t{statistics.store_failing}; }},
    {"journal_failing", [](const Statistics& statistics) { return std::uint64_t{statistics.journal_failing}; }},
};

}  // namespace

std::vector<SysMessage> SysTopics::Take(std::int64_t now_ms, const Statistics& statistics) {
  due_ms_ = now_ms + interval_.count();
  const bool is_first = published_.empty();
  published_.resize(std::size(kSysTopics));
  std::vector<SysMessage> messages;
  for (std::size_t i = 0; i < std::size(kSysTopics); ++i) {
    const std::uint64_t value = kSysTopics[i].value(statistics);
    if (!is_first && published_[i] == value) continue;
    published_[i] = value;
    messages.push_back({"$SYS/broker/dedup/" + std::string(kSysTopics[i].name), std::to_string(value)});
  }
  return messages;
}

}  // namespace dedup
