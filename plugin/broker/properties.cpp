#include "plugin/broker/properties.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "plugin/broker/versions.h"

namespace dedup::broker {
namespace {

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

void AppendText(std::string_view text, std::string* out) {
  const auto size = static_cast<std::uint32_t>(text.size());
  out->append(reinterpret_cast<const char*>(&size), sizeof size);
  out->append(text);
}

// One property of those encoded. What comes from a file may be damaged, and be anything.
struct Encoded {
  int identifier = 0;
  std::string_view text;   // a user property's name
  std::string_view value;  // of a user property
};

bool TakeText(std::string_view* encoded, std::string_view* text) {
  std::uint32_t size;
  if (encoded->size() < sizeof size) return false;
  std::memcpy(&size, encoded->data(), sizeof size);
  encoded->remove_prefix(sizeof size);
  if (encoded->size() < size) return false;
  *text = encoded->substr(0, size);
  encoded->remove_prefix(size);
  return true;
}

// False at the end, or where the rest is damaged.
bool Take(std::string_view* encoded, Encoded* property) {
  if (encoded->empty()) return false;
  property->identifier = static_cast<unsigned char>(encoded->front());
  encoded->remove_prefix(1);
  return TakeText(encoded, &property->text) &&
         (property->identifier != MQTT_PROP_USER_PROPERTY || TakeText(encoded, &property->value));
}

}  // namespace

void ReadProperties(const mosquitto_property* properties, std::string* encoded) {
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

void Blank(mosquitto_property* list) {
  if (list == nullptr) return;
  mosquitto_property* blank = nullptr;
  if (mosquitto_property_add_byte(&blank, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 0) != MOSQ_ERR_SUCCESS) {
    throw std::bad_alloc();
  }
  SwapContents(list, blank);
  mosquitto_property_free_all(&blank);
}

void ListUserProperties(std::string_view encoded, std::vector<UserProperty>* list) {
  for (Encoded property; Take(&encoded, &property);) {
    if (property.identifier == MQTT_PROP_USER_PROPERTY) list->push_back({property.text, property.value});
  }
}

PropertyList MakeProperties(std::string_view encoded) {
  mosquitto_property* list = nullptr;
  int result = MOSQ_ERR_SUCCESS;
  for (Encoded property; result == MOSQ_ERR_SUCCESS && Take(&encoded, &property);) {
    const int identifier = property.identifier;
    const std::string text(property.text);
    switch (identifier) {
      case MQTT_PROP_USER_PROPERTY:
        result =
            mosquitto_property_add_string_pair(&list, identifier, text.c_str(), std::string(property.value).c_str());
        break;
      case MQTT_PROP_CORRELATION_DATA:
        result = mosquitto_property_add_binary(&list, identifier, text.data(), static_cast<std::uint16_t>(text.size()));
        break;
      case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR:
        if (!text.empty()) {
          result = mosquitto_property_add_byte(&list, identifier, static_cast<std::uint8_t>(text.front()));
        }
        break;
      case MQTT_PROP_CONTENT_TYPE:
      case MQTT_PROP_RESPONSE_TOPIC:
        result = mosquitto_property_add_string(&list, identifier, text.c_str());
        break;
      default:
        break;  // ReadProperties encodes no others
    }
  }
  PropertyList owned(list);
  if (result == MOSQ_ERR_NOMEM) throw std::bad_alloc();
  return owned;
}

}  // namespace dedup::broker
