// MQTT v5 properties: what the broker hands on with a message, encoded so that they can be kept and made again.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "plugin/broker/mosquitto.h"

namespace dedup::broker {

/// Encodes what the broker hands on with a message, and finds the event id among the user properties: the value of the
/// first whose name is `id_name`. Appends to `encoded`. Errors: std::bad_alloc.
///
/// Encoded: for each property its identifier (u8), then for each of its texts a size (u32) and the bytes.
void ReadProperties(const mosquitto_property* properties, const std::string& id_name, std::string* encoded,
                    std::optional<std::string>* id);

struct PropertyListDeleter {
  void operator()(mosquitto_property* list) const { mosquitto_property_free_all(&list); }
};
using PropertyList = std::unique_ptr<mosquitto_property, PropertyListDeleter>;

/// What ReadProperties encoded. Errors: std::bad_alloc.
PropertyList MakeProperties(std::string_view encoded);

}  // namespace dedup::broker
