// Mosquitto's headers for plugins, in the one order in which they compile.
#pragma once

#include <mosquitto.h>
#if !__has_include(<mosquitto/broker.h>)  // From 2.1 on mosquitto.h has all of them.
#include <mosquitto_broker.h>
// After mosquitto_broker.h, whose types it uses.
#include <mosquitto_plugin.h>
#include <mqtt_protocol.h>
#endif
