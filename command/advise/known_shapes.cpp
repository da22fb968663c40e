#include "command/advise/known_shapes.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

namespace dedup::command {
namespace {

// Levels that stand one behind the other in a topic; `+` is any one. ChirpStack's gateway bridge, its forerunner and
// its MQTT forwarder; The Things Stack's gateway connections; ESPresense, room-assistant, monitor, OpenMQTTGateway's
// presence.
constexpr std::string_view kTopics[] = {"gateway/+/event",    "gateway/+/rx",     "gateway/+/up",
                                        "espresense/devices", "espresense/rooms", "room_presence/+",
                                        "room-assistant/+",   "home_presence/+",  "monitor/+"};

// Members that only such messages have: the LoRaWAN frame as it was received, in the bridge's JSON, the packet
// forwarder's and the Basics Station's.
constexpr std::string_view kMembers[] = {"/phyPayload", "/PHYPayload", "/rxpk/0/data", "/upinfo/rctx"};

// Tasmota, zigbee2mqtt, Homie, ESPHome, Home Assistant's discovery, the clouds' ways down to a device.
constexpr std::string_view kCommandLevels[] = {"set",      "get",    "cmd",           "cmnd",     "command",
                                               "commands", "config", "configuration", "downlink", "c2d"};

// ThingsBoard, and what is built like it; Cumulocity's SmartREST and its kin.
constexpr std::string_view kSharedTopics[] = {"devices/me", "device/me", "gateway/me"};
constexpr std::string_view kSharedWholeTopics[] = {"s/us", "s/ud", "s/uc", "s/ut", "t/us",
                                                   "t/uc", "q/us", "q/uc", "c/us", "c/uc"};

bool Stands(std::string_view words, std::span<const std::string> pattern) {
  const auto wanted = LevelsOf(words);
  for (std::size_t begin = 0; begin + wanted.size() <= pattern.size(); ++begin) {
    bool stands = true;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      stands = stands && (wanted[i] == "+" || wanted[i] == pattern[begin + i]);
    if (stands) return true;
  }
  return false;
}

}  // namespace

bool MustComeFromEach(const Group& group, const Table& table) {
  for (const std::string_view topic : kTopics) {
    if (Stands(topic, group.pattern)) return true;
  }
  return std::any_of(table.columns.begin(), table.columns.end(), [](const Column& column) {
    return column.place == Column::Place::kMember &&
           std::find(std::begin(kMembers), std::end(kMembers), column.name) != std::end(kMembers);
  });
}

bool TellsReceivers(const Group& group) {
  return std::ranges::any_of(group.pattern, [](const std::string& level) {
    return std::ranges::find(kCommandLevels, level) != std::end(kCommandLevels);
  });
}

bool SharesTopicByDesign(const Group& group) {
  for (const std::string_view topic : kSharedTopics) {
    if (Stands(topic, group.pattern)) return true;
  }
  return std::find(std::begin(kSharedWholeTopics), std::end(kSharedWholeTopics), group.Filter()) !=
         std::end(kSharedWholeTopics);
}

}  // namespace dedup::command
