// HTTP servers to compare the sidecar with, each in a process of its own, at POST /publish.
#pragma once

#include <cstdint>

#include "tests/bench/processes.h"
#include "tests/bench/sockets.h"

namespace dedup::bench {

/// Answers the same bytes to everything, and does nothing else.
class ConstantServer {
 public:
  explicit ConstantServer(const Programs& programs);
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = FreePort();
  Process process_;
};

/// The least that leads from HTTP to MQTT with the libraries that the sidecar uses: publishes each body at QoS 1 to a
/// broker of its own, with the plugin, and answers the same bytes as soon as the broker has acknowledged it. It reads
/// no JSON and asks for no verdict.
class LeastBridge {
 public:
  explicit LeastBridge(const Programs& programs);
  std::uint16_t port() const { return port_; }

 private:
  const TempDir data_dir_;
  Broker broker_;
  std::uint16_t port_ = FreePort();
  Process process_;
};

}  // namespace dedup::bench
