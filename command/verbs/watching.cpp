#include "command/verbs/watching.h"

#include <unistd.h>

#include <cstdio>

#include "command/base/interrupt.h"
#include "command/mqtt/listener.h"
#include "command/report/sentences.h"

namespace dedup::command {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLineInterval{10};
constexpr std::chrono::seconds kTerminalInterval{1};

class Progress {
 public:
  Progress(const Watching& watching, const Capture& capture)
      : duration_(watching.duration), capture_(capture), is_terminal_(isatty(STDERR_FILENO) == 1) {
    std::fprintf(stderr, "Listening to %s:%d for %s; Ctrl-C ends it early.\n", watching.broker.host.c_str(),
                 watching.broker.PortOrDefault(), DurationText(Seconds(duration_)).c_str());
  }

  void Show() {
    const auto now = Clock::now();
    if (now < next_) return;
    next_ = now + (is_terminal_ ? kTerminalInterval : kLineInterval);
    std::fprintf(stderr, "%s%s of %s: %zu messages%s", is_terminal_ ? "\r" : "",
                 DurationText(Seconds(now - begin_)).c_str(), DurationText(Seconds(duration_)).c_str(),
                 capture_.messages().size(), is_terminal_ ? "\033[K" : "\n");
  }

  void End(std::size_t lost_count) {
    std::fprintf(stderr, "%sHeard %zu messages in %s.\n", is_terminal_ ? "\r\033[K" : "", capture_.messages().size(),
                 DurationText(Seconds(Clock::now() - begin_)).c_str());
    if (lost_count == 0) return;
    const std::string times = lost_count == 1 ? "once" : std::to_string(lost_count) + " times";
    std::fprintf(stderr, "The connection was lost %s; what was published meanwhile was not heard.\n", times.c_str());
  }

  bool is_over() const { return Clock::now() - begin_ >= duration_; }

 private:
  static double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

  const std::chrono::milliseconds duration_;
  const Capture& capture_;
  const bool is_terminal_;
  const Clock::time_point begin_ = Clock::now();
  Clock::time_point next_ = begin_ + (is_terminal_ ? kTerminalInterval : kLineInterval);
};

}  // namespace

void Watch(const Watching& watching, Capture* capture, const std::function<void(const Message&)>& on_message) {
  const std::vector<std::string> everything = {"#"};
  const InterruptGuard guard;
  Progress progress(watching, *capture);
  const std::size_t lost_count = Listen(watching.broker, watching.filters.empty() ? everything : watching.filters,
                                        {.on_message =
                                             [&](const Message& message) {
                                               const std::size_t count = capture->messages().size();
                                               if (!capture->Add(message)) return false;
                                               if (capture->messages().size() != count) on_message(message);
                                               return true;
                                             },
                                         .on_turn =
                                             [&] {
                                               progress.Show();
                                               return !guard.is_interrupted() && !progress.is_over();
                                             }});
  progress.End(lost_count);
}

}  // namespace dedup::command
