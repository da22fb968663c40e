// A publish as the broker shows it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace dedup {

/// Of MQTT v5.
struct UserProperty {
  std::string_view name;
  std::string_view value;
};

/// The views belong to the broker's message and must live as long as the publish, and what was found in it, is used.
struct Publish {
  std::string_view topic;
  std::string_view payload;
  std::string_view client_id{};                     ///< empty: none, or Deduplicator::wants_client() is false
  std::string_view username{};                      ///< the same
  std::span<const UserProperty> user_properties{};  ///< in the order in which they were sent
  std::string_view properties{};  ///< encoded by the broker room (plugin/broker), kept for handing on again
  std::uint8_t qos = 0;
  bool retain = false;
};

}  // namespace dedup
