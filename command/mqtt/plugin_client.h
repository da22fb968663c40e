// Asks the plugin of a running broker, over $CONTROL.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "command/mqtt/client.h"
#include "plugin/core/contract/control.h"

namespace dedup::command {

/// The plugin's own answer is an error, which what() is.
class PluginError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Threading: one thread.
class PluginClient {
 public:
  /// How long Ask() waits for answers, once there is a connection.
  static constexpr std::chrono::seconds kPatience{5};

  /// Begins to connect. Errors: BrokerError.
  explicit PluginClient(const BrokerAccess& broker);

  /// The answers to the commands, JSON objects, in the commands' order. Nothing when `goes_on`, which is asked several
  /// times a second, said false.
  ///
  /// Errors: PluginError; BrokerError, when the broker cannot be reached, has no such plugin, does not let this user
  /// ask it, or is silent. After an error no more may be asked.
  std::vector<std::string> Ask(
      std::span<const PluginCommand> commands, const std::function<bool()>& goes_on = [] { return true; });
  /// The answer to one command. Errors: as above.
  std::string Ask(const PluginCommand& command) { return Ask({&command, 1}).front(); }

 private:
  void OnMessage(const Message& message);
  void OnPublished(int reason);
  [[noreturn]] void FailForSilence() const;

  const bool is_v5_;
  Client client_;
  std::map<std::string, CommandAnswer> answers_;  // by correlation
  std::size_t asked_count_ = 0;                   // in all; each has its number as correlation
  std::size_t acknowledged_count_ = 0;
};

}  // namespace dedup::command
