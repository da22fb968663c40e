// What the name of a member says of it. Names decide nothing alone; they tip the balance where the values leave it
// open.
#pragma once

#include "command/traffic/column.h"

namespace dedup::command {

/// Whether it is a device's name or id: named so, and few values, each through most of the capture.
bool LooksLikeDevice(const Column& column);

/// Whether it says something of a receiver's link, and not of the event.
bool IsOfLink(const Column& column);

/// Whether it counts deliveries of one event.
bool CountsTries(const Column& column);

}  // namespace dedup::command
