#include "plugin/broker/publish.h"

#include <cstring>
#include <new>

#include "plugin/broker/versions.h"

namespace dedup::broker {

// The payload is allocated by the broker's own function, because its memory_limit counts what it frees.
bool BrokerPublish(const char* client_id, const char* topic, std::string_view payload, int qos, bool retain,
                   PropertyList properties) {
  void* copy = nullptr;
  if (!payload.empty()) {
    copy = mosquitto_malloc(payload.size());
    if (copy == nullptr) return false;
    std::memcpy(copy, payload.data(), payload.size());
  }
  if (mosquitto_broker_publish(client_id, topic, static_cast<int>(payload.size()), copy, qos, retain,
                               properties.get()) != MOSQ_ERR_SUCCESS) {
    mosquitto_free(copy);
    return false;
  }
  static_cast<void>(properties.release());
  return true;
}

bool HandOn(const char* topic, std::string_view payload, int qos, bool retain, std::string_view properties) {
  try {
    return BrokerPublish(nullptr, topic, payload, qos, retain, MakeProperties(properties));
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// Edited in place: who frees a swapped pointer differs from version to version of the broker. 2.0.11 frees its own
// payload and not the one that another plugin has put in its place, and does not tell which of them it is.
void MakeStandIn(mosquitto_evt_message* message) {
  Blank(message->properties);
  message->topic[0] = '$';
  message->topic[1] = '\0';
  message->retain = false;
  if (!IsBroker20()) {
    message->payload = nullptr;
  } else if (message->payload != nullptr) {
    std::memset(message->payload, 0, message->payloadlen);
  }
  message->payloadlen = 0;  // 2.0 heeds it where another plugin has replaced the payload
}

}  // namespace dedup::broker
