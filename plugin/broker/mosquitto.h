// Mosquitto's headers for plugins, in the one order in which they compile.
#pragma once

#include <mosquitto.h>
#include <mosquitto_broker.h>
// After mosquitto_broker.h, whose types it uses.
#include <mosquitto_plugin.h>
#include <mqtt_protocol.h>
