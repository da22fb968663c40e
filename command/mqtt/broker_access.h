// Where the broker is, and how it lets us in: the options that mosquitto_pub and mosquitto_sub have too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "command/base/arguments.h"

namespace dedup::command {

struct BrokerAccess {
  std::string host = "localhost";
  std::optional<std::uint16_t> port;  ///< nothing: 1883, or 8883 with TLS
  std::string client_id;              ///< empty: one is made up
  std::optional<std::string> username;
  std::optional<std::string> password;
  std::string ca_file;      ///< PEM; with ca_path or alone: TLS
  std::string ca_path;      ///< directory of PEM files
  std::string certificate;  ///< PEM; ours
  std::string key;          ///< PEM
  bool insecure = false;    ///< the broker's name need not be that of its certificate
  int protocol = 5;         ///< 3 (MQTT 3.1), 4 (3.1.1) or 5
  bool is_named = false;    ///< some option says something about it

  bool has_tls() const { return !ca_file.empty() || !ca_path.empty(); }
  std::uint16_t PortOrDefault() const { return port.value_or(has_tls() ? 8883 : 1883); }
  std::string Name() const { return host + ":" + std::to_string(PortOrDefault()); }
};

/// The options that set it; they point to it.
std::vector<Option> BrokerOptions(BrokerAccess* broker);

/// Errors: UsageError, for options that do not go together.
void CheckTogether(const BrokerAccess& broker);

}  // namespace dedup::command
