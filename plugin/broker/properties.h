// MQTT v5 properties: what the broker hands on with a message, encoded so that they can be kept and made again.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/broker/mosquitto.h"
#include "plugin/core/event/publish.h"

namespace dedup::broker {

/// Encodes what the broker hands on with a message. Appends to `encoded`. Errors: std::bad_alloc.
///
/// Encoded: for each property its identifier (u8), then for each of its texts a size (u32) and the bytes.
void ReadProperties(const mosquitto_property* properties, std::string* encoded);

/// Leaves a list of the broker's own as it is to the broker, which still owns it, but with none of what it held: one
/// property remains that says nothing. Errors: std::bad_alloc.
void Blank(mosquitto_property* list);

/// The user properties among what ReadProperties has encoded; the views are into that. Appends to `list`. Errors:
/// std::bad_alloc.
void ListUserProperties(std::string_view encoded, std::vector<UserProperty>* list);

struct PropertyListDeleter {
  void operator()(mosquitto_property* list) const { mosquitto_property_free_all(&list); }
};
using PropertyList = std::unique_ptr<mosquitto_property, PropertyListDeleter>;

/// What ReadProperties encoded; of bytes that are damaged, those before the damage. Errors: std::bad_alloc.
PropertyList MakeProperties(std::string_view encoded);

}  // namespace dedup::broker
