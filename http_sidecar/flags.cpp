#include "http_sidecar/flags.h"

#include <algorithm>
#include <set>

#include "http_sidecar/base/number.h"
#include "http_sidecar/http/origin.h"
#include "plugin/core/text/units.h"

namespace dedup::sidecar {
namespace {

std::string Name(std::string_view text) {
  if (text.empty()) throw std::invalid_argument("takes a name");
  return std::string(text);
}

std::uint16_t Port(std::string_view text, std::uint16_t least) {
  const auto port = ParseNumber<std::uint16_t>(text);
  if (!port || *port < least) {
    throw std::invalid_argument("takes a port, " + std::to_string(least) + " to 65535");
  }
  return *port;
}

bool Switch(std::string_view text) {
  if (text != "true" && text != "false") throw std::invalid_argument("takes true or false");
  return text == "true";
}

constexpr std::size_t kHelpColumn = 27;

std::uint32_t Limit(std::string_view text) {
  const auto limit = ParseNumber<std::uint32_t>(text);
  if (!limit || *limit == 0 || *limit > 1'000'000) {
    throw std::invalid_argument("takes a whole number, 1 to 1000000");
  }
  return *limit;
}

std::string Origin(std::string_view text) {
  if (!IsOrigin(text)) throw std::invalid_argument("takes an origin such as https://app.example, or *");
  return std::string(text);
}

std::chrono::milliseconds ShutdownTimeout(std::string_view text) {
  const auto timeout = ParseDuration(text);
  if (!timeout || *timeout < std::chrono::seconds(1) || *timeout > std::chrono::hours(1)) {
    throw std::invalid_argument("takes a duration such as 10s, 1s to 1h");
  }
  return *timeout;
}

// Less would not do for a body of the greatest size.
std::uint64_t MemoryLimit(std::string_view text) {
  const auto bytes = ParseSize(text);
  constexpr std::uint64_t kMin = std::uint64_t{128} << 20;
  if (!bytes || *bytes < kMin) throw std::invalid_argument("takes a size such as 256M, at least 128M");
  return *bytes;
}

std::vector<std::string> Hosts(std::string_view text) {
  std::vector<std::string> hosts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view host = text.substr(begin, end - begin);
    if (host.empty() || host.find_first_of(" :/") != std::string_view::npos || (host == "*" && host != text)) {
      throw std::invalid_argument("takes names without ports, with commas between them, or *");
    }
    hosts.emplace_back(host);
    begin = end + 1;
  }
  return hosts;
}

struct Flag {
  std::string_view name;  // empty for a variable alone
  const char* variable;
  std::string_view help;
  void (*set)(Options*, std::string_view);
  bool is_switch = false;
  std::string_view heading = {};  // of the group that begins here
};

constexpr Flag kFlags[] = {
    {"--data-dir", "DATA_DIR", "the plugin's data directory (/var/lib/mosquitto/dedup)",
     [](Options* options, std::string_view text) { options->data_dir = Name(text); }, false, "Plugin"},
    {"--mqtt-host", "MQTT_HOST", "host of the broker (127.0.0.1)",
     [](Options* options, std::string_view text) { options->mqtt_host = Name(text); }, false, "Broker"},
    {"--mqtt-port", "MQTT_PORT", "port of the broker (1883)",
     [](Options* options, std::string_view text) { options->mqtt_port = Port(text, 1); }},
    {"--mqtt-username", "MQTT_USERNAME", "name that the broker knows the sidecar by (none)",
     [](Options* options, std::string_view text) { options->mqtt_username = Name(text); }},
    {"", "MQTT_PASSWORD", "its password; no flag, for everybody on the machine sees those",
     [](Options* options, std::string_view text) { options->mqtt_password = text; }},
    {"--mqtt-password-file", "MQTT_PASSWORD_FILE", "file whose first line is the password",
     [](Options* options, std::string_view text) { options->mqtt_password_file = Name(text); }},
    {"--mqtt-ca", "MQTT_CA", "TLS to the broker, whose certificate one of this file (PEM) has signed (none: no TLS)",
     [](Options* options, std::string_view text) { options->mqtt_ca = Name(text); }},
    {"--mqtt-cert", "MQTT_CERT", "certificate that the broker is shown (PEM; none)",
     [](Options* options, std::string_view text) { options->mqtt_cert = Name(text); }},
    {"--mqtt-key", "MQTT_KEY", "its key (PEM, without a passphrase)",
     [](Options* options, std::string_view text) { options->mqtt_key = Name(text); }},
    {"--http-host", "HTTP_HOST", "address to listen on (127.0.0.1: this machine only)",
     [](Options* options, std::string_view text) { options->http_host = Name(text); }, false, "HTTP"},
    {"--http-port", "HTTP_PORT", "port to listen on (8080); 0: any free one, see the log",
     [](Options* options, std::string_view text) { options->http_port = Port(text, 0); }},
    {"--access-log", "ACCESS_LOG", "write a line of JSON on stderr for each request",
     [](Options* options, std::string_view text) { options->access_log = Switch(text); }, true},
    {"--shutdown-timeout", "SHUTDOWN_TIMEOUT", "by when SIGTERM has ended it, whatever clients do (10s)",
     [](Options* options, std::string_view text) { options->shutdown_timeout = ShutdownTimeout(text); }},
    {"--tls-cert", "TLS_CERT", "HTTPS, and no HTTP, with this certificate (PEM; none: HTTP)",
     [](Options* options, std::string_view text) { options->tls.certificate = Name(text); }, false, "Security"},
    {"--tls-key", "TLS_KEY", "its key (PEM, without a passphrase)",
     [](Options* options, std::string_view text) { options->tls.key = Name(text); }},
    {"--tls-client-ca", "TLS_CLIENT_CA", "let in only clients whose certificate one of this file has signed (all)",
     [](Options* options, std::string_view text) { options->tls.client_ca = Name(text); }},
    {"--tokens", "TOKENS", "file of the bearer tokens that are asked for (none: everybody may do everything)",
     [](Options* options, std::string_view text) { options->tokens = Name(text); }},
    {"--insecure", "INSECURE", "ask nobody for a token, beyond this machine too",
     [](Options* options, std::string_view text) { options->insecure = Switch(text); }, true},
    {"--allow-host", "ALLOW_HOST",
     "names that Host may be where nobody is asked for a token, with commas between them; *: any (names without a dot)",
     [](Options* options, std::string_view text) { options->allowed_hosts = Hosts(text); }},
    {"--rate-limit", "RATE_LIMIT", "requests a second of a token, or of an address without one (no limit)",
     [](Options* options, std::string_view text) { options->limits.requests_per_s = Limit(text); }},
    {"--connection-limit", "CONNECTION_LIMIT", "connections of an address at a time (no limit)",
     [](Options* options, std::string_view text) { options->limits.connections_per_address = Limit(text); }},
    {"--memory-limit", "MEMORY_LIMIT", "bytes of bodies and answers in work at a time, beyond which it says 503 (256M)",
     [](Options* options, std::string_view text) { options->memory_limit_bytes = MemoryLimit(text); }},
    {"--cors-origin", "CORS_ORIGIN",
     "origin whose pages may ask it in a browser, such as https://app.example; *: all (none)",
     [](Options* options, std::string_view text) { options->limits.cors_origin = Origin(text); }},
};

void Set(const Flag& flag, std::string_view shown_name, std::string_view text, Options* options) {
  try {
    flag.set(options, text);
  } catch (const std::invalid_argument& error) {
    throw UsageError(std::string(shown_name) + " " + error.what() + ", not \"" + std::string(text) + "\"");
  }
}

const Flag* Find(std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (!name.empty() && flag.name == name) return &flag;
  }
  return nullptr;
}

void CheckTogether(const Options& options) {
  if (options.tls.certificate.empty() != options.tls.key.empty()) {
    throw UsageError("--tls-cert and --tls-key go together");
  }
  if (options.tls.client_ca && !options.has_tls()) throw UsageError("--tls-client-ca takes --tls-cert and --tls-key");
  if (options.mqtt_cert.empty() != options.mqtt_key.empty()) throw UsageError("--mqtt-cert and --mqtt-key go together");
  if (!options.mqtt_cert.empty() && options.mqtt_ca.empty()) throw UsageError("--mqtt-cert takes --mqtt-ca");
  const bool has_password_file = !options.mqtt_password_file.empty();
  if (!options.mqtt_password.empty() && has_password_file) {
    throw UsageError("the password is in MQTT_PASSWORD or in --mqtt-password-file, not in both");
  }
  if ((!options.mqtt_password.empty() || has_password_file) && options.mqtt_username.empty()) {
    throw UsageError("a password takes --mqtt-username");
  }
}

}  // namespace

Options ParseFlags(const std::vector<std::string_view>& arguments,
                   const std::function<const char*(const char*)>& get_variable) {
  Options options;
  std::set<const Flag*> given;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      options.help = true;
      continue;
    }
    if (argument == "--version") {
      options.version = true;
      continue;
    }
    if (argument == "--new-token") {
      if (i + 1 == arguments.size()) throw UsageError("--new-token takes a name");
      options.new_token = arguments[++i];
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const Flag* const flag = Find(name);
    if (flag == nullptr) throw UsageError("unknown argument " + std::string(argument) + "; --help lists what there is");
    given.insert(flag);
    if (flag->is_switch && equals == std::string_view::npos) {
      Set(*flag, name, "true", &options);
    } else if (equals != std::string_view::npos) {
      Set(*flag, name, argument.substr(equals + 1), &options);
    } else if (i + 1 < arguments.size()) {
      Set(*flag, name, arguments[++i], &options);
    } else {
      throw UsageError(std::string(name) + " takes a value");
    }
  }
  for (const Flag& flag : kFlags) {
    const char* const text = get_variable(flag.variable);
    if (given.contains(&flag) || text == nullptr || *text == '\0') continue;
    Set(flag, std::string("the environment variable ") + flag.variable, text, &options);
  }
  CheckTogether(options);
  return options;
}

std::string HelpText() {
  std::string text =
      "Usage: mosquitto-dedup-http [FLAG...]\n"
      "HTTP beside a Mosquitto broker with the dedup plugin; its /openapi.json describes what it serves.\n\n"
      "Each flag is also an environment variable; the flag counts first. In brackets: the default.\n";
  const auto add = [&text](std::string line, std::string_view help) {
    line.insert(0, "  ");
    // The man page is made of this: two blanks part a flag from its text.
    if (line.size() + 2 > kHelpColumn) line.append("\n").append(kHelpColumn, ' ');
    if (line.size() < kHelpColumn) line.resize(kHelpColumn, ' ');
    text.append(line).append(help).append("\n");
  };
  for (const Flag& flag : kFlags) {
    if (!flag.heading.empty()) text.append("\n").append(flag.heading).append(":\n");
    add(std::string(flag.name) + (flag.name.empty() ? "" : ", ") + flag.variable, flag.help);
  }
  text.append("\nInstead of serving:\n");
  add("--new-token NAME", "makes a token: prints its line for the file, and on stderr the token itself");
  add("--help", "shows this");
  add("--version", "shows the version");
  return text;
}

}  // namespace dedup::sidecar
