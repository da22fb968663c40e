// The C face: translates the broker's events into calls on dedup::Deduplicator and its verdicts into MOSQ_ERR_* codes.
// It decides nothing. The only file with the broker's headers.
//
// Threading: the broker calls every function here from its one main thread.
// Errors: no exception leaves this file, for it would abort the broker; a message that could not be stored is never
// acknowledged.
#include <dlfcn.h>
#include <mosquitto.h>
#include <mosquitto_broker.h>
// After mosquitto_broker.h, whose types it uses.
#include <mosquitto_plugin.h>
#include <mqtt_protocol.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugin/core/base/cancellation.h"
#include "plugin/core/contract/control.h"
#include "plugin/core/contract/receipts.h"
#include "plugin/core/control/backlog.h"
#include "plugin/core/control/commands.h"
#include "plugin/core/control/sys_topics.h"
#include "plugin/core/control/top_counts.h"
#include "plugin/core/deduplicator.h"

namespace {

using dedup::Decision;
using dedup::Deduplicator;
using dedup::EventInDoubt;
using dedup::Publish;
using dedup::Verdict;

// Any error but ACL_DENIED makes the broker close the connection without an acknowledgement (ACL_DENIED would
// acknowledge); this one it also logs in fitting words.
constexpr int kRefuseUnacknowledged = MOSQ_ERR_ADMINISTRATIVE_ACTION;

// At this many in a turn the broker's loop is not held up noticeably.
constexpr int kOverduePerTurn = 64;

// How long the loop of 2.1 may wait for traffic; that of 2.0 never waits longer than 100 ms.
constexpr long kBusyTick_ms = 1;
constexpr long kIdleTick_ms = 100;

// That of the broker's own $SYS topics.
constexpr int kSysQos = 2;

// A client that sent commands. Its address may be used again after it has gone, so its id is compared too.
struct ControlClient {
  std::string id;
  dedup::Backlog backlog;  // of what it is told
  bool receipts = false;
};

struct Plugin {
  explicit Plugin(const dedup::Options& options) : deduplicator(options), sys_topics(options.sys_interval) {}

  const dedup::CancellationOff cancellation_off;
  mosquitto_plugin_id_t* identifier = nullptr;
  Deduplicator deduplicator;
  dedup::SysTopics sys_topics;
  dedup::TopCounts top;
  std::unordered_map<const mosquitto*, ControlClient> control_clients;
  std::string properties;
};

void Log(int level, const std::string& text) { mosquitto_log_printf(level, "%s", text.c_str()); }

void FlushLog(dedup::LogQueue& log) {
  if (log.empty()) return;
  for (const dedup::LogLine& line : log.Take()) {
    const int level = line.level == dedup::LogLevel::kError     ? MOSQ_LOG_ERR
                      : line.level == dedup::LogLevel::kWarning ? MOSQ_LOG_WARNING
                                                                : MOSQ_LOG_NOTICE;
    Log(level, line.text.starts_with("mosquitto-dedup") ? line.text : "mosquitto-dedup: " + line.text);
  }
}

template <class Body>
int Guard(const char* where, int failure, Body body) noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "mosquitto-dedup: %s: %s", where, error.what());
  } catch (...) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "mosquitto-dedup: %s: unknown error", where);
  }
  return failure;
}

bool IsBroker20() {
  static const bool kIs20 = dlsym(RTLD_DEFAULT, "mosquitto_plugin_set_info") == nullptr;
  return kIs20;
}

// --- MQTT v5 properties
// ------------------------------------------------------------------------------------------------

// The read functions allocate with calloc in 2.0 and within the broker's accounting in 2.1.
struct PropertyTextDeleter {
  void operator()(char* text) const {
    if (IsBroker20()) {
      std::free(text);
    } else {
      mosquitto_free(text);
    }
  }
};
using PropertyText = std::unique_ptr<char, PropertyTextDeleter>;

std::string_view View(const PropertyText& text) { return text == nullptr ? std::string_view{} : text.get(); }

std::pair<PropertyText, PropertyText> ReadPair(const mosquitto_property* property) {
  char* name = nullptr;
  char* value = nullptr;
  if (mosquitto_property_read_string_pair(property, MQTT_PROP_USER_PROPERTY, &name, &value, false) == nullptr) {
    throw std::bad_alloc();
  }
  return {PropertyText(name), PropertyText(value)};
}

// Encoded properties: identifier (u8), then for each of its texts a size (u32) and the bytes.
void AppendText(std::string_view text, std::string* out) {
  const auto size = static_cast<std::uint32_t>(text.size());
  out->append(reinterpret_cast<const char*>(&size), sizeof size);
  out->append(text);
}

std::string_view TakeText(std::string_view* encoded) {
  std::uint32_t size;
  std::memcpy(&size, encoded->data(), sizeof size);
  const std::string_view text = encoded->substr(sizeof size, size);
  encoded->remove_prefix(sizeof size + size);
  return text;
}

// Encodes what the broker hands on with a message, and finds the event id among the user properties (the first counts).
void ReadProperties(const mosquitto_property* properties, const std::string& id_name, std::string* encoded,
                    std::optional<std::string>* id) {
  for (const mosquitto_property* property = properties; property != nullptr;
       property = mosquitto_property_next(property)) {
    const int identifier = mosquitto_property_identifier(property);
    const auto begin = [&] { encoded->push_back(static_cast<char>(identifier)); };
    switch (identifier) {
      case MQTT_PROP_USER_PROPERTY: {
        const auto [name, value] = ReadPair(property);
        begin();
        AppendText(View(name), encoded);
        AppendText(View(value), encoded);
        if (!id->has_value() && View(name) == id_name) *id = View(value);
        break;
      }
      case MQTT_PROP_CONTENT_TYPE:
      case MQTT_PROP_RESPONSE_TOPIC: {
        char* text = nullptr;
        mosquitto_property_read_string(property, identifier, &text, false);
        const PropertyText owned(text);
        begin();
        AppendText(View(owned), encoded);
        break;
      }
      case MQTT_PROP_CORRELATION_DATA: {
        void* data = nullptr;
        std::uint16_t size = 0;
        mosquitto_property_read_binary(property, identifier, &data, &size, false);
        const PropertyText owned(static_cast<char*>(data));
        begin();
        AppendText({owned.get(), owned == nullptr ? 0U : size}, encoded);
        break;
      }
      case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR: {
        std::uint8_t format = 0;
        mosquitto_property_read_byte(property, identifier, &format, false);
        begin();
        AppendText({reinterpret_cast<const char*>(&format), 1}, encoded);
        break;
      }
      default:
        break;  // the broker keeps no others with a message
    }
  }
}

struct PropertyListDeleter {
  void operator()(mosquitto_property* list) const { mosquitto_property_free_all(&list); }
};
using PropertyList = std::unique_ptr<mosquitto_property, PropertyListDeleter>;

PropertyList MakeProperties(std::string_view encoded) {
  mosquitto_property* list = nullptr;
  int result = MOSQ_ERR_SUCCESS;
  while (!encoded.empty() && result == MOSQ_ERR_SUCCESS) {
    const int identifier = static_cast<unsigned char>(encoded.front());
    encoded.remove_prefix(1);
    const std::string text(TakeText(&encoded));
    switch (identifier) {
      case MQTT_PROP_USER_PROPERTY: {
        const std::string value(TakeText(&encoded));
        result = mosquitto_property_add_string_pair(&list, identifier, text.c_str(), value.c_str());
        break;
      }
      case MQTT_PROP_CORRELATION_DATA:
        result = mosquitto_property_add_binary(&list, identifier, text.data(), static_cast<std::uint16_t>(text.size()));
        break;
      case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR:
        result = mosquitto_property_add_byte(&list, identifier, static_cast<std::uint8_t>(text.front()));
        break;
      default:
        result = mosquitto_property_add_string(&list, identifier, text.c_str());
    }
  }
  PropertyList owned(list);
  if (result != MOSQ_ERR_SUCCESS) throw std::bad_alloc();
  return owned;
}

// --- Publishing
// --------------------------------------------------------------------------------------------------------

// Queues a message within the broker: to all subscribers, or to one client only. False when it has no memory for it.
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

// For an event that was accepted but that the broker has no memory for.
void KeepInDoubt(Plugin& plugin, const Publish& publish, const Decision& decision) {
  try {
    plugin.deduplicator.OnHandOnFailed(publish, decision);
  } catch (const std::bad_alloc&) {
    plugin.deduplicator.OnHandOnLost(decision);
  }
}

// Turns a message into one that reaches nobody, so that its handshake runs its course. Edited in place: who frees a
// swapped topic or properties pointer differs from version to version of the broker.
void MakeStandIn(mosquitto_evt_message* message) {
  message->topic[0] = '$';
  message->topic[1] = '\0';
  message->retain = false;
  message->payload = nullptr;
  message->payloadlen = 0;
}

// The connection of a client, -1 where it cannot be told. Every broker version with epoll begins its struct mosquitto
// with what it is (2: a client) and its socket.
int SocketOf(const mosquitto* client) {
  int beginning[2];
  std::memcpy(beginning, static_cast<const void*>(client), sizeof beginning);
  return beginning[0] == 2 ? beginning[1] : -1;
}

ControlClient* FindControlClient(Plugin& plugin, const mosquitto* client) {
  if (plugin.control_clients.empty()) return nullptr;
  const auto found = plugin.control_clients.find(client);
  if (found == plugin.control_clients.end()) return nullptr;
  const char* const id = mosquitto_client_id(client);
  if (id != nullptr && found->second.id == id) return &found->second;
  plugin.control_clients.erase(found);
  return nullptr;
}

// Whether the client leaves unread what it is told, which the broker would have to keep in memory.
bool ReadsNothing(const ControlClient* client) {
  if (client == nullptr || !client->backlog.is_too_long()) return false;
  Log(MOSQ_LOG_WARNING, "mosquitto-dedup: client " + client->id + " does not read its receipts: disconnecting it");
  return true;
}

void Tell(ControlClient& client, const char* topic, std::string_view text) {
  // Counted even if there is no memory for it: that is no time to trust a client.
  client.backlog.Add(text.size());
  BrokerPublish(client.id.c_str(), topic, text, 0, false, nullptr);
}

// A lost receipt costs its client a time-out and a retry; an acknowledged one would cost everyone a round trip.
void SendReceipt(ControlClient& client, std::string_view topic, const Decision& decision) {
  try {
    Tell(client, dedup::kReceiptTopic, dedup::ReceiptJson(topic, decision.event_id, decision));
  } catch (const std::bad_alloc&) {
    // The event is accepted: the lack of memory for its receipt must not refuse it.
  }
}

void CountTop(Plugin& plugin, std::string_view topic, const mosquitto* client, Verdict verdict) {
  const bool is_duplicate = verdict == Verdict::kDuplicate;
  plugin.top.topics.Count(topic, is_duplicate);
  if (!is_duplicate) return;
  if (const char* const id = mosquitto_client_id(client)) plugin.top.duplicate_clients.Count(id, is_duplicate);
}

// A value that there is no memory for comes again when it changes.
void PublishSysTopics(Plugin& plugin) {
  const std::int64_t now_ms = dedup::MonotonicMs();
  if (!plugin.sys_topics.is_due(now_ms)) return;
  const std::optional<dedup::Statistics> statistics = plugin.deduplicator.statistics();
  if (!statistics) return;
  for (const dedup::SysMessage& message : plugin.sys_topics.Take(now_ms, *statistics)) {
    BrokerPublish(nullptr, message.topic.c_str(), message.payload, kSysQos, true, nullptr);
  }
}

// --- Callbacks
// ---------------------------------------------------------------------------------------------------------

int OnMessage(int, void* event_data, void* userdata) noexcept {
  return Guard("message", kRefuseUnacknowledged, [&] {
    auto& plugin = *static_cast<Plugin*>(userdata);
    auto* const message = static_cast<mosquitto_evt_message*>(event_data);
    if (message->topic[0] == '$') return int{MOSQ_ERR_SUCCESS};
    ControlClient* const control_client = FindControlClient(plugin, message->client);
    if (ReadsNothing(control_client)) return kRefuseUnacknowledged;

    Publish publish{.topic = message->topic,
                    .payload = {static_cast<const char*>(message->payload), message->payloadlen},
                    .id_property = {},
                    .properties = {},
                    .qos = message->qos,
                    .retain = message->retain};
    std::optional<std::string> id_property;
    if (message->properties != nullptr) {
      plugin.properties.clear();
      ReadProperties(message->properties, plugin.deduplicator.options().id_property, &plugin.properties, &id_property);
      publish.properties = plugin.properties;
      if (id_property) publish.id_property = *id_property;
    }

    const Decision decision = plugin.deduplicator.OnPublish(publish);
    if (decision.verdict == Verdict::kRefused) return kRefuseUnacknowledged;
    const bool is_event = decision.verdict != Verdict::kPassed;
    if (is_event) CountTop(plugin, publish.topic, message->client, decision.verdict);
    // A QoS 2 event is handed on here, at its first arrival, and every copy of it becomes the same stand-in: the broker
    // asks the plugin before it matches a retransmission with the message that it holds, so the two must be equal.
    if (is_event && message->qos == 2 && decision.verdict == Verdict::kProcessed &&
        !HandOn(message->topic, publish.payload, 2, message->retain, publish.properties)) {
      KeepInDoubt(plugin, publish, decision);
      return kRefuseUnacknowledged;
    }
    if (control_client != nullptr && control_client->receipts) SendReceipt(*control_client, publish.topic, decision);
    if (decision.verdict == Verdict::kDuplicate || (is_event && message->qos == 2)) MakeStandIn(message);
    return int{MOSQ_ERR_SUCCESS};
  });
}

int OnTick(int, void* event_data, void* userdata) noexcept {
  return Guard("tick", MOSQ_ERR_SUCCESS, [&] {
    auto& plugin = *static_cast<Plugin*>(userdata);
    Deduplicator& deduplicator = plugin.deduplicator;
    deduplicator.OnTurn();
    for (int i = 0; i < kOverduePerTurn; ++i) {
      std::optional<EventInDoubt> event = deduplicator.TakeOverdue();
      if (!event) break;
      if (!HandOn(event->topic.c_str(), event->payload, event->qos, event->retain, event->properties)) {
        deduplicator.OnHandOnFailed(std::move(*event));
        break;
      }
    }
    PublishSysTopics(plugin);
    FlushLog(deduplicator.log());
    auto* const tick = static_cast<mosquitto_evt_tick*>(event_data);
    // 2.0 reads neither. In 2.1 next_ns is next_ms, for how long its loop may wait; and the next call is due at now_s
    // plus that, so with 0 it comes at every turn, as in 2.0.
    tick->next_ns = deduplicator.wants_turn() ? kBusyTick_ms : kIdleTick_ms;
    tick->now_s = 0;
    return int{MOSQ_ERR_SUCCESS};
  });
}

int OnControl(int, void* event_data, void* userdata) noexcept {
  return Guard("control", MOSQ_ERR_SUCCESS, [&] {
    auto& plugin = *static_cast<Plugin*>(userdata);
    const auto* const message = static_cast<mosquitto_evt_control*>(event_data);
    ControlClient* client = FindControlClient(plugin, message->client);
    if (client == nullptr) {
      const char* const id = mosquitto_client_id(message->client);
      if (id == nullptr) return int{MOSQ_ERR_SUCCESS};
      client = &plugin.control_clients
                    .try_emplace(message->client, ControlClient{id, dedup::Backlog(SocketOf(message->client))})
                    .first->second;
    }
    if (ReadsNothing(client)) return kRefuseUnacknowledged;
    const dedup::ControlResult result =
        dedup::HandleControl({static_cast<const char*>(message->payload), message->payloadlen}, client->receipts,
                             plugin.deduplicator.options(), plugin.top, plugin.deduplicator.trouble());
    client->receipts = result.receipts;
    Tell(*client, dedup::kResponseTopic, result.response);
    return int{MOSQ_ERR_SUCCESS};
  });
}

int OnDisconnect(int, void* event_data, void* userdata) noexcept {
  return Guard("disconnect", MOSQ_ERR_SUCCESS, [&] {
    static_cast<Plugin*>(userdata)->control_clients.erase(static_cast<mosquitto_evt_disconnect*>(event_data)->client);
    return int{MOSQ_ERR_SUCCESS};
  });
}

// One table to register and to unregister from; its type asks for noexcept, so an unguarded callback does not compile.
constexpr struct {
  int event;
  int (*callback)(int, void*, void*) noexcept;
  const char* event_data;
} kCallbacks[] = {
    {MOSQ_EVT_MESSAGE, OnMessage, nullptr},
    {MOSQ_EVT_TICK, OnTick, nullptr},
    {MOSQ_EVT_CONTROL, OnControl, dedup::kControlTopic},
    {MOSQ_EVT_DISCONNECT, OnDisconnect, nullptr},
};

void UnregisterCallbacks(const Plugin& plugin) {
  for (const auto& entry : kCallbacks) {
    mosquitto_callback_unregister(plugin.identifier, entry.event, entry.callback, entry.event_data);
  }
}

bool RegisterCallbacks(Plugin& plugin) {
  for (const auto& entry : kCallbacks) {
    const int result =
        mosquitto_callback_register(plugin.identifier, entry.event, entry.callback, entry.event_data, &plugin);
    if (result == MOSQ_ERR_SUCCESS) continue;
    Log(MOSQ_LOG_ERR, "mosquitto-dedup: the broker refused a callback: " + std::string(mosquitto_strerror(result)));
    UnregisterCallbacks(plugin);
    return false;
  }
  return true;
}

// With per_listener_settings true, 2.0 never calls OnTick and lets bridges bypass the plugin, so the promises would not
// hold. There the plugin's identifier holds its listener and nothing else (struct mosquitto_plugin_id_t).
bool IsPerListener20(const mosquitto_plugin_id_t* identifier) {
  if (!IsBroker20()) return false;
  const void* listener;
  std::memcpy(&listener, static_cast<const void*>(identifier), sizeof listener);
  return listener != nullptr;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int mosquitto_plugin_version(int version_count, const int* versions) {
  for (int i = 0; i < version_count; ++i) {
    if (versions[i] == MOSQ_PLUGIN_VERSION) return MOSQ_PLUGIN_VERSION;
  }
  return -1;
}

__attribute__((visibility("default"))) int mosquitto_plugin_init(mosquitto_plugin_id_t* identifier, void** userdata,
                                                                 mosquitto_opt* options, int option_count) {
  return Guard("start", MOSQ_ERR_UNKNOWN, [&] {
    if (IsPerListener20(identifier)) {
      Log(MOSQ_LOG_ERR,
          "mosquitto-dedup: per_listener_settings true does not work with this plugin on Mosquitto 2.0, which would "
          "let "
          "bridges bypass it; set it to false");
      return int{MOSQ_ERR_NOT_SUPPORTED};
    }
    std::vector<std::pair<std::string_view, std::string_view>> pairs;
    for (int i = 0; i < option_count; ++i) {
      pairs.emplace_back(options[i].key, options[i].value == nullptr ? "" : options[i].value);
    }
    auto plugin = std::make_unique<Plugin>(dedup::ParseOptions(pairs));
    plugin->identifier = identifier;
    FlushLog(plugin->deduplicator.log());
    if (!RegisterCallbacks(*plugin)) return int{MOSQ_ERR_UNKNOWN};
    *userdata = plugin.release();
    return int{MOSQ_ERR_SUCCESS};
  });
}

__attribute__((visibility("default"))) int mosquitto_plugin_cleanup(void* userdata, mosquitto_opt*, int) {
  return Guard("stop", MOSQ_ERR_UNKNOWN, [&] {
    const std::unique_ptr<Plugin> plugin(static_cast<Plugin*>(userdata));
    if (plugin == nullptr) return int{MOSQ_ERR_SUCCESS};
    UnregisterCallbacks(*plugin);
    plugin->deduplicator.Stop();
    FlushLog(plugin->deduplicator.log());
    return int{MOSQ_ERR_SUCCESS};
  });
}

}  // extern "C"
