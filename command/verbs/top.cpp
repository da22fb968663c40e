// mosquitto-dedup top: what the plugin of a running broker does, each second anew.

#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <thread>

#include "command/base/arguments.h"
#include "command/base/interrupt.h"
#include "command/base/terminal.h"
#include "command/mqtt/plugin_client.h"
#include "command/report/plugin_figures.h"
#include "command/report/top_text.h"
#include "command/verbs/asking.h"
#include "command/verbs/verb.h"

namespace dedup::command {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kInterval{1000};
constexpr std::chrono::milliseconds kLook{100};  // as often it is looked whether to end

std::string HelpText(std::span<const Option> table) {
  return "Usage: mosquitto-dedup top [-h HOST] [-p PORT] [OPTION...]\n"
         "Shows each second how many events and duplicates come, and the rules, topics and clients that have most "
         "duplicates.\n"
         "Of the topics only the 20 with most events are known. q or Ctrl-C ends it. Where standard output is no "
         "terminal, it\n"
         "prints a line each second. The user must be allowed to publish on $CONTROL/dedup/v1. In brackets: the "
         "default.\n" +
         OptionsText(table);
}

std::string TimeOfDay() {
  const std::time_t now = std::time(nullptr);
  std::tm local = {};
  localtime_r(&now, &local);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &local);
  return text;
}

struct Sample {
  PluginFigures figures;
  Clock::time_point time;
};

// The figures of one time after the other, also over the ends of connections.
class Sampler {
 public:
  explicit Sampler(const BrokerAccess& broker) : broker_(broker) {}

  /// Nothing when `goes_on` said false. Errors: as PluginClient::Ask; the next call connects anew.
  std::optional<Sample> Take(const std::function<bool()>& goes_on) {
    try {
      if (!client_) client_ = std::make_unique<PluginClient>(broker_);
      const std::vector<std::string> answers = client_->Ask(kFigureCommands, goes_on);
      if (answers.empty()) return std::nullopt;
      return Sample{ReadFigures(answers), Clock::now()};
    } catch (...) {
      client_.reset();
      throw;
    }
  }

 private:
  const BrokerAccess broker_;
  std::unique_ptr<PluginClient> client_;
};

// Where the answer goes: a page on a terminal, or lines.
class Display {
 public:
  explicit Display(const std::string& broker) : broker_(broker) {
    if (Terminal::IsThere()) terminal_.emplace();
  }

  bool ShowFigures(const TopView& view) {
    trouble_.clear();
    if (!terminal_) return Print(TimeOfDay() + " " + TopLine(view)) == EXIT_SUCCESS;
    return ShowPage(TopScreen(view, terminal_->lines() - 1, terminal_->columns()));
  }

  // The same trouble is said once.
  bool ShowTrouble(const std::string& trouble) {
    if (trouble_ == trouble) return true;
    trouble_ = trouble;
    if (terminal_) return ShowPage(trouble + "\n");
    std::fprintf(stderr, "%s %s\n", TimeOfDay().c_str(), trouble.c_str());
    return true;
  }

  bool IsQuitPressed(std::chrono::milliseconds patience) const {
    if (terminal_) return terminal_->IsQuitPressed(patience);
    std::this_thread::sleep_for(patience);
    return false;
  }

 private:
  bool ShowPage(const std::string& page) {
    return terminal_->Show("mosquitto-dedup top of " + broker_ + " at " + TimeOfDay() + "; q ends it\n" + page);
  }

  const std::string broker_;
  std::optional<Terminal> terminal_;
  std::string trouble_;
};

// Returns false when it was told to end.
bool Wait(std::chrono::milliseconds duration, const std::function<bool()>& goes_on, const Display& display) {
  for (const auto end = Clock::now() + duration; Clock::now() < end;) {
    if (display.IsQuitPressed(kLook) || !goes_on()) return false;
  }
  return true;
}

int Run(const BrokerAccess& broker) {
  Sampler sampler(broker);
  // What is wrong from the beginning is an error; what goes wrong later may come right again.
  std::optional<Sample> before = sampler.Take([] { return true; });
  // While a host's name is looked up nobody asks whether to end, so that somebody may press Ctrl-C again.
  const InterruptGuard guard(Terminal::GiveBack);
  Display display(broker.Name());
  bool is_over = false;
  const auto goes_on = [&] {
    is_over = is_over || guard.is_interrupted() || display.IsQuitPressed(std::chrono::milliseconds(0));
    return !is_over;
  };
  while (Wait(kInterval, goes_on, display)) {
    try {
      std::optional<Sample> now = sampler.Take(goes_on);
      if (!now) break;
      if (before) {
        const std::chrono::duration<double> seconds = now->time - before->time;
        if (!display.ShowFigures({before->figures, now->figures, seconds.count()})) return EXIT_FAILURE;
      }
      before = std::move(now);
    } catch (const BrokerError& error) {
      before.reset();
      if (!display.ShowTrouble(error.what())) return EXIT_FAILURE;
    }
  }
  return EXIT_SUCCESS;
}

}  // namespace

int RunTop(std::span<const std::string_view> arguments) {
  BrokerAccess broker;
  if (const auto code = ReadAskingArguments(arguments, HelpText, &broker)) return *code;
  CheckTogether(broker);
  return Run(broker);
}

}  // namespace dedup::command
