// The clients that send commands, and what they are told.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "plugin/broker/mosquitto.h"
#include "plugin/core/control/backlog.h"
#include "plugin/core/control/commands.h"
#include "plugin/core/deduplicator.h"
#include "plugin/core/event/publish.h"

namespace dedup::broker {

/// A client's id, empty where it has none.
std::string_view IdOf(const mosquitto* client);

struct ControlClient {
  std::string id;
  Backlog backlog;  ///< of what it is told
  ReceiptSetting receipts = {};

  /// What it is called wherever others may read it, and in keys.
  std::string_view name() const;

  /// Sends it a message that no subscription is needed for.
  void Tell(const char* topic, std::string_view text);
  /// If it has asked for them. A lost receipt costs its client a time-out and a retry; an acknowledged one would cost
  /// everyone a round trip.
  void SendReceipt(const Publish& publish, const Decision& decision);
  /// Whether it leaves unread what it is told, which the broker would have to keep in memory; then it is to be
  /// disconnected, which the log says.
  bool ReadsNothing() const;
};

/// Threading: main thread.
class ControlClients {
 public:
  /// nullptr: this client has sent no command since it connected.
  ControlClient* Find(const mosquitto* client);
  /// The client, from now on known; nullptr when it has no id.
  ControlClient* FindOrAdd(const mosquitto* client);
  void Remove(const mosquitto* client) { clients_.erase(client); }
  /// Tells all that have numbered receipts that the plugin's settings have changed.
  void TellSettings(const PublishSettings& settings);

 private:
  // A client's address may be used again after it has gone, so its id is compared too.
  std::unordered_map<const mosquitto*, ControlClient> clients_;
};

}  // namespace dedup::broker
