#include "http_sidecar/mqtt/mqtt_connection.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "plugin/core/contract/control.h"

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Who accepts one connection and says what it is told, which need not be MQTT.
class Stranger {
 public:
  Stranger() {
    auto* const address = reinterpret_cast<sockaddr*>(&address_);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(bind(listener_, address, size), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    EXPECT_EQ(getsockname(listener_, address, &size), 0);
  }
  ~Stranger() {
    close(client_);
    close(listener_);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  std::uint16_t port() const { return ntohs(address_.sin_port); }
  void Say(std::string_view bytes) {
    if (client_ == -1) client_ = accept(listener_, nullptr, nullptr);
    EXPECT_EQ(send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

 private:
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client_ = -1;
  sockaddr_in address_{};
};

// Later versions of libmosquitto end a connection for a reason that MQTT does not have for a PUBACK.
bool IsStrictAboutReasons() { return mosquitto_lib_version(nullptr, nullptr, nullptr) > 2000011; }

TEST(MqttConnectionTest, WhatIsNotMqttIsNotCalledAFlawOfTlsWhereThereIsNone) {
  mosquitto_lib_init();
  {
    Stranger stranger;
    MqttConnection connection("127.0.0.1", {.host = "127.0.0.1", .port = stranger.port()}, "sidecar");
    stranger.Say(std::string_view("\0\0", 2));  // a packet of a type that there is not
    const auto deadline = std::chrono::steady_clock::now() + seconds(10);
    while (!connection.is_over() && std::chrono::steady_clock::now() < deadline) connection.Step(-1, seconds(1));
    EXPECT_EQ(connection.end_reason(), mosquitto_strerror(MOSQ_ERR_PROTOCOL));
  }
  mosquitto_lib_cleanup();
}

TEST(MqttConnectionTest, ARefusalIsTheEventsAndNotTheConnections) {
  mosquitto_lib_init();
  {
    Stranger broker;
    MqttConnection connection("127.0.0.1", {.host = "127.0.0.1", .port = broker.port()}, "sidecar");
    const auto step_until = [&](auto condition) {
      const auto deadline = std::chrono::steady_clock::now() + seconds(10);
      while (!condition() && std::chrono::steady_clock::now() < deadline) connection.Step(-1, milliseconds(10));
    };
    broker.Say(std::string_view("\x20\x03\0\0\0", 5));  // CONNACK
    step_until([&] { return connection.is_connected(); });
    const std::string answer =
        R"({"responses":[{"command":"receipts","enable":true,"numbered":true,"id_member":"event_id"}]})";
    const std::string topic = kResponseTopic;
    std::string publish = {'\x30', static_cast<char>(3 + topic.size() + answer.size()), '\0',
                           static_cast<char>(topic.size())};
    broker.Say(publish.append(topic).append(1, '\0').append(answer));
    step_until([&] { return connection.is_ready(); });
    ASSERT_TRUE(connection.is_ready());

    const struct {
      const char* reason_code;
      const char* problem;
    } kTable[] = {{"\x87", "forbidden-by-broker"}, {"\x95", "too-large"}, {"\x97", "broker-unavailable"}};
    char packet_id = 1;  // that of the command
    for (const auto& [reason_code, problem_name] : kTable) {
      if (*reason_code == '\x95' && IsStrictAboutReasons()) continue;
      auto batch = std::make_shared<Batch>();
      batch->events.push_back({.topic = "t", .event_id = "a", .event_id_text = "", .payload = "{}"});
      const auto delivery = std::make_shared<Delivery>(batch, 1);
      connection.Publish(delivery, 0);
      broker.Say(std::string("\x40\x03\0", 3) + ++packet_id + reason_code);  // PUBACK
      Problem problem;
      step_until([&] {
        EXPECT_FALSE(delivery->Wait(seconds(0), &problem));
        return problem.detail.starts_with("events[0]: ");
      });
      EXPECT_EQ(problem.type.name, std::string(problem_name));
      EXPECT_FALSE(connection.is_over()) << connection.end_reason();
    }
  }
  mosquitto_lib_cleanup();
}

}  // namespace
}  // namespace dedup::sidecar
