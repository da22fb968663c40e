// What of a publish can be a part of its key.
#pragma once

#include <span>
#include <string_view>

#include "plugin/core/event/publish.h"

namespace dedup {

/// The views must live for as long as what was found in them is used.
struct PublishView {
  std::string_view topic;
  std::string_view payload;
  std::string_view client_id;                ///< empty: none
  std::string_view username;                 ///< empty: none
  std::span<const UserProperty> properties;  ///< of MQTT v5, in the order in which they were sent
};

}  // namespace dedup
