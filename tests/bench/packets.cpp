#include "tests/bench/packets.h"

namespace dedup::bench {
namespace {

std::string Frame(unsigned char first, const std::string& body) {
  std::string packet(1, static_cast<char>(first));
  std::size_t left = body.size();
  do {
    packet.push_back(static_cast<char>((left % 128) | (left >= 128 ? 0x80 : 0)));
    left /= 128;
  } while (left != 0);
  return packet + body;
}

std::string Word(std::size_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value)}; }

std::string Text(const std::string& text) { return Word(text.size()) + text; }

// Short property lists alone: their length fits into one byte.
std::string Properties(MqttVersion version, const std::string& properties) {
  return version == MqttVersion::k5 ? static_cast<char>(properties.size()) + properties : "";
}

}  // namespace

std::string EncodeConnect(MqttVersion version, const std::string& client_id) {
  const std::string clean_session_without_keep_alive("\2\0\0", 3);
  return Frame(0x10, Text("MQTT") + static_cast<char>(version) + clean_session_without_keep_alive +
                         Properties(version, "") + Text(client_id));
}

std::string EncodeSubscribe(MqttVersion version, const std::string& filter, int qos) {
  return Frame(0x82, Word(1) + Properties(version, "") + Text(filter) + static_cast<char>(qos));
}

std::string EncodePingReq() { return Frame(0xC0, ""); }

std::string EncodePublish(const Publish& publish) {
  const std::string& id = publish.user_property_id;
  return Frame(static_cast<unsigned char>(0x30 | publish.qos << 1),
               Text(publish.topic) + (publish.qos != 0 ? Word(publish.packet_id) : "") +
                   Properties(publish.version, id.empty() ? "" : "\x26" + Text("event_id") + Text(id)) +
                   publish.payload);
}

std::string EncodeAcknowledgement(PacketType type, std::string_view packet_id) {
  const int flags = type == kPubRel ? 2 : 0;
  return Frame(static_cast<unsigned char>(type << 4 | flags), std::string(packet_id.substr(0, 2)));
}

std::string_view Packet::PublishedId() const {
  const std::size_t topic_bytes = static_cast<unsigned char>(body[0]) * 256U + static_cast<unsigned char>(body[1]);
  return body.substr(2 + topic_bytes, 2);
}

std::size_t DecodePacket(std::string_view bytes, Packet* packet) {
  std::size_t body_bytes = 0;
  std::size_t header_bytes = 1;
  bool whole = false;
  for (int shift = 0; header_bytes < bytes.size() && !whole; shift += 7, ++header_bytes) {
    const auto byte = static_cast<unsigned char>(bytes[header_bytes]);
    body_bytes |= std::size_t{byte & 0x7FU} << shift;
    whole = byte < 0x80;
  }
  if (!whole || bytes.size() < header_bytes + body_bytes) return 0;
  const auto first = static_cast<unsigned char>(bytes[0]);
  *packet = {static_cast<PacketType>(first >> 4), (first >> 1) & 3, bytes.substr(header_bytes, body_bytes)};
  return header_bytes + body_bytes;
}

}  // namespace dedup::bench
