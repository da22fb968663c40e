// One connection to a broker: what all that this program does there has in common.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "command/capture/capture.h"
#include "command/mqtt/broker_access.h"

struct mosquitto;

namespace dedup::command {

/// The broker cannot be reached, or does not do what it is asked to. what() says which broker, and why.
class BrokerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What comes from the broker. What these throw comes out of Turn().
struct ClientEvents {
  std::function<void()> on_connect;                   ///< at each connection
  std::function<void(const Message&)> on_message;     ///< the views hold during the call
  std::function<void(int reason)> on_published = {};  ///< acknowledged: MQTT v5's reason, before it always 0
};

/// Threading: one thread, on which the events come, during Turn().
class Client {
 public:
  /// Begins to connect. Errors: BrokerError.
  Client(const BrokerAccess& broker, ClientEvents events);
  /// Takes leave of the broker.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Lets libmosquitto work for a moment; false when a connection that there was is lost.
  /// Errors: BrokerError, when the broker refuses something or has not let us in within 15 s; what the events throw.
  bool Turn();
  /// Makes a lost connection anew; the next Turn() tells whether that worked.
  void Reconnect();

  /// At QoS 1, without what the broker has retained from before. A refusal comes out of Turn().
  void Subscribe(const std::string& filter);
  /// At QoS 1. Errors: BrokerError.
  void Publish(const std::string& topic, const std::string& payload);

  /// Whether the broker has ever let us in.
  bool was_connected() const { return was_connected_; }

  /// Throws BrokerError: this broker, and why.
  [[noreturn]] void Fail(const std::string& why) const;
  /// The same of a connection that is lost.
  [[noreturn]] void FailForLoss() const;

 private:
  friend struct ClientCallbacks;
  struct Free {
    void operator()(mosquitto* client) const;
  };

  void SetTls();
  void Check(int result) const;

  const BrokerAccess broker_;
  const ClientEvents events_;
  std::unique_ptr<mosquitto, Free> client_;
  std::chrono::steady_clock::time_point deadline_;  // of the first connection
  std::exception_ptr failure_;                      // of an event
  std::string refusal_;
  std::string disconnect_;
  bool was_connected_ = false;
};

}  // namespace dedup::command
