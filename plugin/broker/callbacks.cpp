#include "plugin/broker/callbacks.h"

#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "plugin/broker/guard.h"
#include "plugin/broker/properties.h"
#include "plugin/broker/publish.h"
#include "plugin/broker/versions.h"
#include "plugin/core/contract/control.h"
#include "plugin/core/control/commands.h"

namespace dedup::broker {
namespace {

// At this many in a turn the broker's loop is not held up noticeably.
constexpr int kOverduePerTurn = 64;

// That of the broker's own $SYS topics.
constexpr int kSysQos = 2;

std::string_view View(const char* text) { return text == nullptr ? std::string_view() : text; }

void CountTop(Plugin& plugin, std::string_view topic, std::string_view client, Verdict verdict) {
  const bool is_duplicate = verdict == Verdict::kDuplicate;
  plugin.top.topics.Count(topic, is_duplicate);
  if (is_duplicate && !client.empty()) plugin.top.duplicate_clients.Count(client, is_duplicate);
}

// A value that there is no memory for comes again when it changes.
void PublishRetained(const std::vector<SysMessage>& messages) {
  for (const SysMessage& message : messages) {
    BrokerPublish(nullptr, message.topic.c_str(), message.payload, kSysQos, true, nullptr);
  }
}

// False when there is no memory for it; then it is in doubt as before.
bool HandOnInDoubt(Deduplicator& deduplicator, EventInDoubt event) {
  if (HandOn(event.topic.c_str(), event.payload, event.qos, event.retain, event.properties)) return true;
  deduplicator.OnHandOnFailed(std::move(event));
  return false;
}

// What is in doubt goes before anything newer of its topic. False when there is no memory for it.
bool HandOnOlder(Deduplicator& deduplicator, std::string_view topic, std::uint64_t seq) {
  try {
    while (std::optional<EventInDoubt> older = deduplicator.TakeOlder(topic, seq)) {
      if (!HandOnInDoubt(deduplicator, std::move(*older))) return false;
    }
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void PublishSysTopics(Plugin& plugin) {
  const std::int64_t now_ms = MonotonicMs();
  if (plugin.sys_topics.is_due(now_ms)) {
    const std::optional<Statistics> statistics = plugin.deduplicator.statistics();
    if (statistics) PublishRetained(plugin.sys_topics.Take(now_ms, *statistics));
  }
  if (plugin.rule_sys_topics.is_due(now_ms)) {
    PublishRetained(plugin.rule_sys_topics.Take(now_ms, plugin.deduplicator.CountersOfRules()));
  }
}

}  // namespace

int OnMessage(int, void* event_data, void* userdata) noexcept {
  return Guard("message", kRefuseUnacknowledged, [&] {
    auto& plugin = *static_cast<Plugin*>(userdata);
    auto* const message = static_cast<mosquitto_evt_message*>(event_data);
    if (message->topic[0] == '$') return int{MOSQ_ERR_SUCCESS};
    ControlClient* const control_client = plugin.clients.Find(message->client);
    if (control_client != nullptr && control_client->ReadsNothing()) return kRefuseUnacknowledged;

    Publish publish{.topic = message->topic,
                    .payload = {static_cast<const char*>(message->payload), message->payloadlen},
                    .client_id = {},
                    .username = {},
                    .user_properties = {},
                    .properties = {},
                    .qos = message->qos,
                    .retain = message->retain};
    if (message->properties != nullptr) {
      plugin.properties.clear();
      plugin.user_properties.clear();
      ReadProperties(message->properties, &plugin.properties);
      ListUserProperties(plugin.properties, &plugin.user_properties);
      publish.properties = plugin.properties;
      publish.user_properties = plugin.user_properties;
    }
    const auto client_name = [&] { return control_client == nullptr ? IdOf(message->client) : control_client->name(); };
    if (plugin.deduplicator.wants_client()) {
      publish.client_id = client_name();
      publish.username = View(mosquitto_client_username(message->client));
    }

    const Decision decision = plugin.deduplicator.OnPublish(publish);
    if (decision.action == Action::kRefuse) return kRefuseUnacknowledged;
    if (decision.verdict != Verdict::kPassed) CountTop(plugin, publish.topic, client_name(), decision.verdict);
    if (decision.action == Action::kHandOnAndReplace &&
        !(HandOnOlder(plugin.deduplicator, publish.topic, decision.seq) &&
          HandOn(message->topic, publish.payload, message->qos, message->retain, publish.properties))) {
      plugin.deduplicator.OnHandOnFailed(publish, decision);
      return kRefuseUnacknowledged;
    }
    if (control_client != nullptr) control_client->SendReceipt(publish, decision);
    if (decision.action != Action::kLetThrough) MakeStandIn(message);
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
      if (!event || !HandOnInDoubt(deduplicator, std::move(*event))) break;
    }
    PublishSysTopics(plugin);
    FlushLog(deduplicator.log());
    AskForNextTick(static_cast<mosquitto_evt_tick*>(event_data), deduplicator.wants_turn());
    return int{MOSQ_ERR_SUCCESS};
  });
}

int OnControl(int, void* event_data, void* userdata) noexcept {
  return Guard("control", MOSQ_ERR_SUCCESS, [&] {
    auto& plugin = *static_cast<Plugin*>(userdata);
    const auto* const message = static_cast<mosquitto_evt_control*>(event_data);
    ControlClient* const client = plugin.clients.FindOrAdd(message->client);
    if (client == nullptr) return int{MOSQ_ERR_SUCCESS};
    if (client->ReadsNothing()) return kRefuseUnacknowledged;
    const ControlResult result =
        HandleControl({static_cast<const char*>(message->payload), message->payloadlen}, client->receipts,
                      {.deduplicator = plugin.deduplicator, .top = plugin.top});
    client->receipts = result.receipts;
    client->Tell(kResponseTopic, result.response);
    if (result.has_reloaded) plugin.clients.TellSettings(SettingsOf(plugin.deduplicator));
    return int{MOSQ_ERR_SUCCESS};
  });
}

int OnReload(int, void*, void* userdata) noexcept {
  return Guard("reload", MOSQ_ERR_SUCCESS, [&] {
    auto& plugin = *static_cast<Plugin*>(userdata);
    plugin.deduplicator.ReloadRules();
    plugin.clients.TellSettings(SettingsOf(plugin.deduplicator));
    FlushLog(plugin.deduplicator.log());
    return int{MOSQ_ERR_SUCCESS};
  });
}

int OnDisconnect(int, void* event_data, void* userdata) noexcept {
  return Guard("disconnect", MOSQ_ERR_SUCCESS, [&] {
    static_cast<Plugin*>(userdata)->clients.Remove(static_cast<mosquitto_evt_disconnect*>(event_data)->client);
    return int{MOSQ_ERR_SUCCESS};
  });
}

}  // namespace dedup::broker
