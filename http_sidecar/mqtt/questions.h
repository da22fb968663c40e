// Commands to the plugin, and whoever waits for their answers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "plugin/core/contract/control.h"

namespace dedup::sidecar {

/// Each command is numbered, and the plugin repeats the number in its answer. Whoever asks what somebody else waits for
/// already waits with them, so asking the sidecar often costs the broker little.
///
/// Threading: Ask() from any thread, the rest from the publisher's.
class Questions {
 public:
  using Duration = std::chrono::steady_clock::duration;

  /// Waits for the answer to a command; one that came up to `age_max` ago and is no error will do. Calls wake() when
  /// there is something to be sent. Nothing when no answer comes in time, or the connection ends.
  template <class Wake>
  std::optional<CommandAnswer> Ask(const PluginCommand& command, Duration age_max, Duration patience, Wake wake) {
    bool is_new = false;
    const Number number = Begin(command, age_max, &is_new);
    if (is_new) wake();
    return Await(number, patience);
  }

  /// The requests to be sent: those that were asked since the last call.
  std::vector<std::string> TakeUnsent();
  /// An answer of the plugin's.
  void Answer(CommandAnswer answer);
  /// The connection has ended: what was asked will not be answered.
  void Fail();

 private:
  using Clock = std::chrono::steady_clock;
  using Number = std::uint64_t;

  struct Question {
    PluginCommand command;
    bool may_be_shared = false;
    bool is_sent = false;
    bool has_failed = false;
    int waiting = 0;  // threads
    std::optional<CommandAnswer> answer;
    Clock::time_point answered = {};
  };

  Number Begin(const PluginCommand& command, Duration age_max, bool* is_new);
  std::optional<CommandAnswer> Await(Number number, Duration patience);

  std::mutex mutex_;
  std::condition_variable changed_;
  Number last_number_ = 0;
  std::map<Number, Question> questions_;  // those that somebody waits for, and answers that may do for somebody else
};

}  // namespace dedup::sidecar
