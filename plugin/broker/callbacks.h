// The broker's callbacks: each translates an event of the broker into calls on the core, and its answer into a
// MOSQ_ERR_* code.
#pragma once

#include <string>
#include <vector>

#include "plugin/broker/clients.h"
#include "plugin/broker/mosquitto.h"
#include "plugin/core/base/cancellation.h"
#include "plugin/core/control/rule_sys_topics.h"
#include "plugin/core/control/sys_topics.h"
#include "plugin/core/control/top_counts.h"
#include "plugin/core/deduplicator.h"

namespace dedup::broker {

/// The plugin's state, the callbacks' userdata.
struct Plugin {
  explicit Plugin(const Options& options)
      : deduplicator(options), sys_topics(options.sys_interval), rule_sys_topics(options.sys_interval) {}

  const CancellationOff cancellation_off;
  mosquitto_plugin_id_t* identifier = nullptr;
  Deduplicator deduplicator;
  SysTopics sys_topics;
  RuleSysTopics rule_sys_topics;
  TopCounts top;
  ControlClients clients;
  std::string properties;                     ///< of the message in work; kept for its memory
  std::vector<UserProperty> user_properties;  ///< the same
};

/// Threading: the broker calls each of them from its one main thread. Errors: no exception leaves them; a message that
/// could not be stored is never acknowledged.
int OnMessage(int event, void* event_data, void* userdata) noexcept;
int OnTick(int event, void* event_data, void* userdata) noexcept;
int OnControl(int event, void* event_data, void* userdata) noexcept;
int OnDisconnect(int event, void* event_data, void* userdata) noexcept;
int OnReload(int event, void* event_data, void* userdata) noexcept;

}  // namespace dedup::broker
