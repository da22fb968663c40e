// The entry: what the broker calls to load, start and stop the plugin, and the table of its callbacks. Decides nothing.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/broker/callbacks.h"
#include "plugin/broker/guard.h"
#include "plugin/broker/mosquitto.h"
#include "plugin/broker/versions.h"
#include "plugin/core/contract/control.h"
#include "plugin/core/options.h"

using namespace dedup::broker;

namespace {

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
    {MOSQ_EVT_RELOAD, OnReload, nullptr},
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
          "mosquitto-dedup: per_listener_settings true does not work with this plugin on Mosquitto 2.0, where bridges "
          "would bypass it; set it to false");
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
