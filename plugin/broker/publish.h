// Messages that the plugin gives to the broker, and the one that it puts in another's place.
#pragma once

#include <string_view>

#include "plugin/broker/mosquitto.h"
#include "plugin/broker/properties.h"

namespace dedup::broker {

/// Queues a message within the broker: to all subscribers, or to one client only. False when it has no memory for it.
bool BrokerPublish(const char* client_id, const char* topic, std::string_view payload, int qos, bool retain,
                   PropertyList properties);

/// Hands an event on to all subscribers; `properties` as ReadProperties encoded them. False as above.
bool HandOn(const char* topic, std::string_view payload, int qos, bool retain, std::string_view properties);

/// Turns a message into one that tells nobody anything, so that its handshake runs its course: only a subscriber of the
/// topic `$` gets it, and with 2.0 learns its size. Errors: std::bad_alloc.
void MakeStandIn(mosquitto_evt_message* message);

}  // namespace dedup::broker
