// A publish as the broker shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dedup {

/// The views belong to the broker's message and must live as long as the publish is used.
struct Publish {
  std::string_view topic;
  std::string_view payload;
  std::optional<std::string_view> id_property;  ///< the user property's value, if it is there
  std::string_view properties;  ///< encoded by the broker room (plugin/broker), kept for handing on again
  std::uint8_t qos = 0;
  bool retain = false;
};

}  // namespace dedup
