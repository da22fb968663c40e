#include "http_sidecar/mqtt/questions.h"

#include <algorithm>
#include <utility>

#include "http_sidecar/base/number.h"

namespace dedup::sidecar {
namespace {

// So long an answer stays at least, for whoever it is young enough for.
constexpr std::chrono::seconds kKept{2};

}  // namespace

Questions::Number Questions::Begin(const PluginCommand& command, Duration age_max, bool* is_new) {
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  std::erase_if(questions_, [&](const auto& entry) {
    const Question& question = entry.second;
    return question.waiting == 0 && question.answered < now - std::max<Duration>(age_max, kKept);
  });
  const bool may_be_shared = age_max > Duration::zero();
  for (auto& [number, question] : questions_) {
    const bool does = may_be_shared && question.may_be_shared && !question.has_failed && question.command == command &&
                      (!question.answer || question.answered >= now - age_max);
    if (!does) continue;
    ++question.waiting;
    return number;
  }
  *is_new = true;
  Question& question = questions_[++last_number_];
  question.command = command;
  question.may_be_shared = may_be_shared;
  question.waiting = 1;
  return last_number_;
}

std::optional<CommandAnswer> Questions::Await(Number number, Duration patience) {
  std::unique_lock lock(mutex_);
  Question& question = questions_.at(number);
  changed_.wait_for(lock, patience, [&] { return question.answer || question.has_failed; });
  const std::optional<CommandAnswer> answer = question.answer;
  --question.waiting;
  // An error may be about a name that a client has made up, of which there is no end.
  const bool is_kept = question.may_be_shared && answer && answer->error.empty();
  if (question.waiting == 0 && !is_kept) questions_.erase(number);
  return answer;
}

std::vector<std::string> Questions::TakeUnsent() {
  std::vector<std::string> requests;
  const std::lock_guard lock(mutex_);
  for (auto& [number, question] : questions_) {
    if (!question.is_sent && !question.has_failed) {
      requests.push_back(CommandRequest(question.command, std::to_string(number)));
    }
    question.is_sent = true;
  }
  return requests;
}

void Questions::Answer(CommandAnswer answer) {
  const std::optional<Number> number = ParseNumber<Number>(answer.correlation);
  const std::lock_guard lock(mutex_);
  const auto found = number ? questions_.find(*number) : questions_.end();
  if (found == questions_.end()) return;  // nobody waits any more
  found->second.answer = std::move(answer);
  found->second.answered = Clock::now();
  changed_.notify_all();
}

void Questions::Fail() {
  const std::lock_guard lock(mutex_);
  for (auto& [number, question] : questions_) {
    question.has_failed = true;
    question.may_be_shared = false;
  }
  changed_.notify_all();
}

}  // namespace dedup::sidecar
