#include "plugin/broker/properties.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
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

std::string_view TakeText(std::string_view* encoded) {
  std::uint32_t size;
  std::memcpy(&size, encoded->data(), sizeof size);
  const std::string_view text = encoded->substr(sizeof size, size);
  encoded->remove_prefix(sizeof size + size);
  return text;
}

}  // namespace

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

}  // namespace dedup::broker
