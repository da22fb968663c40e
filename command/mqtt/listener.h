// Listens to a broker as a plain subscriber.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "command/capture/capture.h"
#include "command/mqtt/broker_access.h"

namespace dedup::command {

struct Listening {
  std::function<bool(const Message&)> on_message;  ///< false: enough was heard
  std::function<bool()> on_turn;                   ///< called several times a second; false: it is time to end
};

/// Subscribes to the filters at QoS 1 and tells what is published, until it is told to end. What the broker has
/// retained from before is left out, for nobody publishes it now. A connection that is lost is made anew; returns how
/// often.
///
/// Threading: all on the caller's thread. Errors: BrokerError, while there has not been any connection, or when the
/// broker refuses a subscription; what the functions throw.
std::size_t Listen(const BrokerAccess& broker, const std::vector<std::string>& filters, const Listening& listening);

}  // namespace dedup::command
