#include "http_sidecar/mqtt/session.h"

#include <mosquitto.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "plugin/core/text/topic_filter.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kTopicLevelsMax = 200;        // the broker cuts a connection that goes beyond
constexpr std::chrono::minutes kRefusalMemory{10};  // then the broker may have been told another limit

Problem TooLargeForBroker(std::size_t index) {
  return {problems::kTooLarge, EventProblem(index, "", kTooLargeForBroker).detail};
}

bool IsMqttString(std::string_view text) {
  return mosquitto_validate_utf8(text.data(), static_cast<int>(text.size())) == MOSQ_ERR_SUCCESS;
}

}  // namespace

std::optional<bool> Session::TakesPayload(std::size_t payload_bytes) const {
  if (payload_bytes <= taken_bytes) return true;
  if (payload_bytes >= refused_bytes && std::chrono::steady_clock::now() < refused_until) return false;
  return std::nullopt;
}

void Session::NoteTaken(std::size_t payload_bytes) {
  taken_bytes = std::max(taken_bytes, payload_bytes);
  if (taken_bytes >= refused_bytes) refused_until = {};
}

void Session::NoteRefused(std::size_t payload_bytes) {
  const auto now = std::chrono::steady_clock::now();
  refused_bytes = now < refused_until ? std::min(refused_bytes, payload_bytes) : payload_bytes;
  refused_until = now + kRefusalMemory;
  taken_bytes = std::min(taken_bytes, payload_bytes - 1);
}

std::string_view Session::IdPropertyOf(const Event& event) const {
  if (!event.id_property.empty()) return event.id_property;
  if (plugin.id_member == "event_id") return {};
  return event.event_id;
}

std::optional<Problem> Session::Check(const Batch& batch) const {
  if (batch.qos > qos_max)
    return Problem{problems::kUnsupportedByBroker, "qos: the broker takes at most " + std::to_string(qos_max)};
  if (batch.retain && !can_retain)
    return Problem{problems::kUnsupportedByBroker, "retain: the broker retains no messages"};
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    if (auto problem = Check(batch.events[i], i)) return problem;
  }
  return CheckPayloads(batch.events);
}

std::optional<Problem> Session::Check(const Event& event, std::size_t index) const {
  const std::string& topic = event.topic;
  // First: for later versions of libmosquitto that is a flaw of the topic itself.
  if (static_cast<std::size_t>(std::ranges::count(topic, '/')) > kTopicLevelsMax) {
    return EventProblem(index, "topic", "has more than 200 levels");
  }
  if (mosquitto_pub_topic_check2(topic.data(), topic.size()) != MOSQ_ERR_SUCCESS || !IsMqttString(topic)) {
    return EventProblem(index, "topic", "holds a character that MQTT does not allow in a topic");
  }
  if (!MatchesAny(topic, plugin.topics)) {
    return EventProblem(index, "topic", "is none of the topics that the broker's plugin was told to deduplicate");
  }
  const std::string_view id_property = IdPropertyOf(event);
  if (!id_property.empty() && !IsMqttString(id_property)) {
    return EventProblem(index, "event_id", "holds a character that MQTT does not allow in a user property");
  }
  // Header, lengths and packet id take less than 32 bytes.
  const std::size_t property_bytes = id_property.empty() ? 0 : plugin.id_property.size() + id_property.size();
  if (topic.size() + event.payload.size() + property_bytes + 32 > packet_bytes_max) return TooLargeForBroker(index);
  return std::nullopt;
}

std::optional<Problem> Session::CheckPayloads(const std::vector<Event>& events) const {
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (TakesPayload(events[i].payload.size()) == false) return TooLargeForBroker(i);
  }
  return std::nullopt;
}

}  // namespace dedup::sidecar
