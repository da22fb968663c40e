// MQTT packets as bytes: what the load needs of 3.1.1 and 5.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dedup::bench {

enum class MqttVersion : unsigned char { k311 = 4, k5 = 5 };

enum PacketType : int {
  kConnAck = 2,
  kPublish = 3,
  kPubAck = 4,
  kPubRec = 5,
  kPubRel = 6,
  kPubComp = 7,
  kSubAck = 9,
  kPingResp = 13,
};

std::string EncodeConnect(MqttVersion version, const std::string& client_id);
std::string EncodeSubscribe(MqttVersion version, const std::string& filter, int qos);
std::string EncodePingReq();

struct Publish {
  MqttVersion version;
  int qos;
  unsigned packet_id;  ///< 1 to 65535; not sent at QoS 0
  std::string topic;
  std::string user_property_id;  ///< sent as the user property `event_id` unless empty
  std::string payload;
};
std::string EncodePublish(const Publish& publish);

/// An acknowledgement of `type` for the packet whose id is the first two bytes of `packet_id`.
std::string EncodeAcknowledgement(PacketType type, std::string_view packet_id);

struct Packet {
  PacketType type;
  int qos;                ///< of a PUBLISH
  std::string_view body;  ///< behind the fixed header

  /// Of a PUBLISH with QoS above 0: the two bytes of its packet id.
  std::string_view PublishedId() const;
};

/// The packet at the beginning of `bytes`. Returns how many bytes it takes; 0 when it is not whole yet.
std::size_t DecodePacket(std::string_view bytes, Packet* packet);

}  // namespace dedup::bench
