// Fills a capture from a broker, with a line about how it goes, until its time is over or somebody ends it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "command/capture/capture.h"
#include "command/mqtt/broker_access.h"

namespace dedup::command {

struct Watching {
  BrokerAccess broker;
  std::vector<std::string> filters = {};  ///< none: #
  std::chrono::milliseconds duration = std::chrono::minutes(10);
};

/// Adds what is published to the capture until the time is over, the capture is full, or SIGINT or SIGTERM comes: the
/// first one ends the watching, the next one the program. Meanwhile a line on standard error says how far it is: on a
/// terminal the same one each second, otherwise a new one every 10 s. Each message that was added is shown to
/// `on_message`.
///
/// Errors: BrokerError; what on_message throws.
void Watch(const Watching& watching, Capture* capture, const std::function<void(const Message&)>& on_message);

}  // namespace dedup::command
