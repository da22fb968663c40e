#include "command/capture/lines.h"

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "command/capture/base64.h"
#include "command/capture/instant.h"

namespace dedup::command {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kForms =
    "expected is a line of a capture ({\"t\": seconds, \"topic\": …, \"payload\": …}), of mosquitto_sub -F '%j', "
    "or topic, time and payload with tabs between them";

[[noreturn]] void Refuse(const std::string& problem) { throw LineError(problem + "; " + kForms); }

std::optional<double> TimeOf(std::string_view text) {
  if (const auto number = NumberOf(text)) return number;
  return text.size() > 9 ? InstantOf(text) : std::nullopt;
}

const std::string& TextMember(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_string()) Refuse(std::string("no text \"") + name + "\"");
  return member->get_ref<const std::string&>();
}

std::uint8_t QosOf(const Json& object) {
  const auto qos = object.find("qos");
  if (qos == object.end()) return 0;
  if (!qos->is_number_unsigned() || qos->get<unsigned>() > 2) Refuse("\"qos\" is not 0, 1 or 2");
  return qos->get<std::uint8_t>();
}

bool RetainOf(const Json& object) {
  const auto retain = object.find("retain");
  if (retain == object.end()) return false;
  if (retain->is_boolean()) return retain->get<bool>();
  if (!retain->is_number_unsigned()) Refuse("\"retain\" is neither true nor false");
  return retain->get<unsigned>() != 0;
}

// What a line's views point into.
struct Texts {
  std::string payload;
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<Property> properties;

  std::span<const Property> Views() {
    properties.assign(pairs.begin(), pairs.end());
    return properties;
  }
};

void ReadProperties(const Json& object, Message* message, Texts* texts) {
  const auto properties = object.find("properties");
  if (properties == object.end()) return;
  if (!properties->is_object()) Refuse("\"properties\" is no object");
  if (properties->contains("content_type")) message->content_type = TextMember(*properties, "content_type");
  const auto user = properties->find("user");
  if (user == properties->end()) return;
  if (!user->is_array()) Refuse("\"properties\".\"user\" is no array");
  for (const Json& pair : *user) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
      Refuse("a user property is not [name, value]");
    }
    texts->pairs.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  }
  message->properties = texts->Views();
}

bool AddCaptureLine(const Json& object, Capture* capture) {
  Message message;
  Texts texts;
  const auto time = object.find("t");
  if (time == object.end() || !time->is_number()) Refuse("no number \"t\"");
  message.time_s = time->get<double>();
  message.topic = TextMember(object, "topic");
  if (object.contains("payload_base64")) {
    auto bytes = BytesOfBase64(TextMember(object, "payload_base64"));
    if (!bytes) Refuse("\"payload_base64\" is no base64");
    texts.payload = *std::move(bytes);
    message.payload = texts.payload;
  } else {
    message.payload = TextMember(object, "payload");
  }
  message.qos = QosOf(object);
  message.retain = RetainOf(object);
  if (object.contains("client")) message.client = TextMember(object, "client");
  ReadProperties(object, &message, &texts);
  return capture->Add(message);
}

bool AddMosquittoSubLine(const Json& object, Capture* capture, LinesRead* read) {
  Message message;
  Texts texts;
  const auto time = TimeOf(TextMember(object, "tst"));
  if (!time) Refuse("\"tst\" is no time");
  message.time_s = *time;
  message.topic = TextMember(object, "topic");
  message.qos = QosOf(object);
  if (RetainOf(object)) return true;  // what the broker had kept from before
  const auto payload = object.find("payload");
  if (payload == object.end()) Refuse("no \"payload\"");
  const auto size = object.find("payloadlen");
  const bool has_size = size != object.end() && size->is_number_unsigned();
  if (payload->is_string()) {
    texts.payload = payload->get<std::string>();
    // What is no UTF-8, or holds a NUL, was cut short or replaced.
    if (has_size && size->get<std::size_t>() != texts.payload.size()) {
      ++read->damaged_payload_count;
      return true;
    }
  } else if (!payload->is_null() || (has_size && size->get<std::size_t>() != 0)) {
    texts.payload = payload->dump();
  }
  message.payload = texts.payload;
  if (const auto properties = object.find("properties"); properties != object.end() && properties->is_object()) {
    if (properties->contains("content-type")) message.content_type = TextMember(*properties, "content-type");
    if (const auto user = properties->find("user-properties"); user != properties->end() && user->is_object()) {
      for (const auto& [name, value] : user->items()) {
        if (value.is_string()) texts.pairs.emplace_back(name, value.get<std::string>());
      }
      message.properties = texts.Views();
    }
  }
  return capture->Add(message);
}

bool AddPlainLine(std::string_view line, Capture* capture) {
  const auto add = [capture](std::string_view topic, double time_s, std::string_view payload) {
    Message message;
    message.time_s = time_s;
    message.topic = topic;
    message.payload = payload;
    return capture->Add(message);
  };
  if (const std::size_t first = line.find('\t'); first != std::string_view::npos) {
    const std::size_t second = std::min(line.find('\t', first + 1), line.size());
    const auto time = TimeOf(line.substr(first + 1, second - first - 1));
    if (!time) Refuse("what stands behind the first tab is no time");
    return add(line.substr(0, first), *time, line.substr(std::min(second + 1, line.size())));
  }
  // A topic may hold blanks; the first word that is a time ends it.
  for (std::size_t begin = line.find(' '); begin != std::string_view::npos;) {
    const std::size_t end = std::min(line.find(' ', begin + 1), line.size());
    if (const auto time = TimeOf(line.substr(begin + 1, end - begin - 1)); time && begin != 0) {
      return add(line.substr(0, begin), *time, line.substr(std::min(end + 1, line.size())));
    }
    begin = end == line.size() ? std::string_view::npos : end;
  }
  Refuse("no time in it");
}

}  // namespace

bool ReadLine(std::string_view line, Capture* capture, LinesRead* read) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find_first_not_of(" \t") == std::string_view::npos) return true;
  if (!line.starts_with('{')) return AddPlainLine(line, capture);
  const Json object = Json::parse(line, nullptr, false);
  if (!object.is_object()) Refuse("no JSON object");
  return object.contains("tst") ? AddMosquittoSubLine(object, capture, read) : AddCaptureLine(object, capture);
}

LinesRead ReadLines(std::istream& lines, Capture* capture) {
  LinesRead read;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    try {
      if (!ReadLine(line, capture, &read)) break;
    } catch (const LineError& error) {
      throw LineError("line " + std::to_string(number) + ": " + error.what());
    }
  }
  capture->SortByTime();
  return read;
}

std::string LineOf(const Message& message) {
  Json line;
  line["t"] = message.time_s;
  line["topic"] = message.topic;
  line["payload"] = message.payload;
  line["qos"] = message.qos;
  line["retain"] = message.retain;
  if (!message.client.empty()) line["client"] = message.client;
  for (const auto& [name, value] : message.properties) line["properties"]["user"].push_back({name, value});
  if (!message.content_type.empty()) line["properties"]["content_type"] = message.content_type;
  try {
    return line.dump() + "\n";
  } catch (const Json::type_error&) {  // the payload is no UTF-8
    line.erase("payload");
    line["payload_base64"] = Base64Of(message.payload);
    return line.dump() + "\n";
  }
}

}  // namespace dedup::command
