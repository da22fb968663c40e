// All that differs between the versions of the broker.
#pragma once

#include "plugin/broker/mosquitto.h"

namespace dedup::broker {

/// Whether this broker is 2.0, not 2.1 or newer.
bool IsBroker20();

/// The connection of a client, -1 where it cannot be told. Not owned.
int SocketOf(const mosquitto* client);

/// Whether this is 2.0 with per_listener_settings true: it never calls the tick callback then and lets bridges bypass
/// the plugin, so the promises would not hold.
bool IsPerListener20(const mosquitto_plugin_id_t* identifier);

/// Exchanges what two nodes of property lists hold, and what follows them in their lists.
void SwapContents(mosquitto_property* a, mosquitto_property* b);

/// Asks for the next tick: soon, or when 2.0 comes by itself.
void AskForNextTick(mosquitto_evt_tick* tick, bool soon);

}  // namespace dedup::broker
