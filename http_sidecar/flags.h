// The sidecar's command line and environment.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "http_sidecar/net/tls.h"
#include "http_sidecar/server/client_limits.h"

namespace dedup::sidecar {

struct Options {
  std::filesystem::path data_dir = "/var/lib/mosquitto/dedup";
  std::string mqtt_host = "127.0.0.1";
  std::uint16_t mqtt_port = 1883;
  std::string http_host = "127.0.0.1";
  std::uint16_t http_port = 8080;               ///< 0: any free port
  std::optional<std::filesystem::path> tokens;  ///< see ReadTokenFile
  std::string mqtt_username;                    ///< empty: none
  std::string mqtt_password;                    ///< empty: none, or that of the file
  std::filesystem::path mqtt_password_file;     ///< empty: none
  std::filesystem::path mqtt_ca;                ///< empty: no TLS to the broker
  std::filesystem::path mqtt_cert;              ///< empty: no certificate for the broker
  std::filesystem::path mqtt_key;
  ClientLimits limits;
  TlsFiles tls;                            ///< of the HTTP side
  bool insecure = false;                   ///< listens on any address though nobody is asked for a token
  std::vector<std::string> allowed_hosts;  ///< what Host may be then, beside what IsLocalHost takes; *: anything
  bool access_log = false;                 ///< see ServerOptions
  std::chrono::milliseconds shutdown_timeout = std::chrono::seconds(10);
  std::uint64_t memory_limit_bytes = std::uint64_t{256} << 20;
  std::optional<std::string> new_token;  ///< see MakeToken
  bool help = false;
  bool version = false;

  bool has_tls() const { return !tls.certificate.empty(); }
  bool allows_any_host() const { return allowed_hosts == std::vector<std::string>{"*"}; }
};

/// A flag or variable is unknown or malformed. what() names it and says what it takes.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `--name value` or `--name=value`; where a flag is missing its environment variable counts (`get_variable` returns
/// nullptr for one that is not set, an empty one is as good as not set), then the default. A switch (`--insecure`)
/// takes no value, its variable `true` or `false`. Errors: UsageError, also for flags that do not go together.
Options ParseFlags(const std::vector<std::string_view>& arguments,
                   const std::function<const char*(const char*)>& get_variable);

/// The text of --help.
std::string HelpText();

}  // namespace dedup::sidecar
