#include "plugin/core/control/sys_topics.h"

#include <cstddef>
#include <iterator>

#include "plugin/core/contract/figures.h"

namespace dedup {

std::vector<SysMessage> SysTopics::Take(std::int64_t now_ms, const Statistics& statistics) {
  due_ms_ = now_ms + interval_.count();
  const bool is_first = published_.empty();
  published_.resize(std::size(kFigures));
  std::vector<SysMessage> messages;
  for (std::size_t i = 0; i < std::size(kFigures); ++i) {
    const std::uint64_t value = kFigures[i].value(statistics);
    if (!is_first && published_[i] == value) continue;
    published_[i] = value;
    messages.push_back({"$SYS/broker/dedup/" + std::string(kFigures[i].name), std::to_string(value)});
  }
  return messages;
}

}  // namespace dedup
