#include "plugin/core/observe/conflict_check.h"

#include <algorithm>
#include <utility>

namespace dedup {

ConflictCheck::ConflictCheck(ConflictLink& link, const HashSecret& secret, ReadHead read)
    : link_(link), marks_(secret), read_(std::move(read)) {}

void ConflictCheck::Run(std::uint64_t stored_seq, std::int64_t now_ms, void (*rest)()) {
  static_assert(kAnswersPerSecond == 1000, "one a millisecond");
  allowed_ =
      std::min(kAnswersAtOnceMax, allowed_ + std::max<std::int64_t>(0, now_ms - std::exchange(last_ms_, now_ms)));
  for (; allowed_ > 0 && !link_.answers.full(); --allowed_) {
    const ConflictLink::Question* const question = link_.questions.Front();
    if (question == nullptr || question->seq > stored_seq) return;
    rest();
    if (const std::optional<PayloadHead> first = read_(question->seq)) {
      const bool is_conflict = marks_.Of(first->payload_bytes, first->head) != question->mark;
      link_.answers.Push({question->seq, question->rule, question->rules_version, is_conflict});
    }
    link_.questions.Pop();
  }
}

}  // namespace dedup
