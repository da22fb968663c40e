#include "command/mqtt/broker_access.h"

#include <charconv>

namespace dedup::command {
namespace {

std::string Text(std::string_view text) {
  if (text.empty()) throw std::invalid_argument("takes a name");
  return std::string(text);
}

std::uint16_t Port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    throw std::invalid_argument("takes a port, 1 to 65535");
  }
  return port;
}

int Protocol(std::string_view text) {
  if (text == "mqttv31" || text == "31") return 3;
  if (text == "mqttv311" || text == "311") return 4;
  if (text == "mqttv5" || text == "5") return 5;
  throw std::invalid_argument("takes mqttv31, mqttv311 or mqttv5");
}

}  // namespace

std::vector<Option> BrokerOptions(BrokerAccess* broker) {
  std::vector<Option> options = {
      {{"-h", "--host"},
       "HOST",
       "host of the broker (localhost)",
       [broker](std::string_view text) { broker->host = Text(text); },
       "Broker"},
      {{"-p", "--port"},
       "PORT",
       "its port (1883, with TLS 8883)",
       [broker](std::string_view text) { broker->port = Port(text); }},
      {{"-u", "--username"},
       "NAME",
       "name that the broker knows us by (none)",
       [broker](std::string_view text) { broker->username = std::string(text); }},
      {{"-P", "--pw"},
       "PASSWORD",
       "its password",
       [broker](std::string_view text) { broker->password = std::string(text); }},
      {{"-i", "--id"},
       "ID",
       "client id (one is made up)",
       [broker](std::string_view text) { broker->client_id = Text(text); }},
      {{"-V", "--protocol-version"},
       "VERSION",
       "mqttv31, mqttv311 or mqttv5 (mqttv5, which tells most)",
       [broker](std::string_view text) { broker->protocol = Protocol(text); }},
      {{"--cafile"},
       "FILE",
       "TLS to the broker, whose certificate one of this file (PEM) has signed",
       [broker](std::string_view text) { broker->ca_file = Text(text); }},
      {{"--capath"},
       "DIR",
       "the same with a directory of such files",
       [broker](std::string_view text) { broker->ca_path = Text(text); }},
      {{"--cert"},
       "FILE",
       "our certificate (PEM)",
       [broker](std::string_view text) { broker->certificate = Text(text); }},
      {{"--key"}, "FILE", "its key (PEM)", [broker](std::string_view text) { broker->key = Text(text); }},
      {{"--insecure"},
       "",
       "let the broker's certificate be of another name",
       [broker](std::string_view) { broker->insecure = true; }},
  };
  for (Option& option : options) {
    option.set = [broker, set = option.set](std::string_view text) {
      broker->is_named = true;
      set(text);
    };
  }
  return options;
}

void CheckTogether(const BrokerAccess& broker) {
  if (broker.certificate.empty() != broker.key.empty()) throw UsageError("--cert and --key go together");
  if (!broker.has_tls() && (!broker.certificate.empty() || broker.insecure)) {
    throw UsageError("--cert, --key and --insecure take --cafile or --capath");
  }
  if (broker.password && !broker.username) throw UsageError("-P takes -u");
}

}  // namespace dedup::command
