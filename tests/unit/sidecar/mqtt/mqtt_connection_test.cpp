#include "http_sidecar/mqtt/mqtt_connection.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace dedup::sidecar {
namespace {

using std::chrono::seconds;

// Who accepts one connection and says something that need not be MQTT.
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
    client_ = accept(listener_, nullptr, nullptr);
    EXPECT_EQ(send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

 private:
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client_ = -1;
  sockaddr_in address_{};
};

TEST(MqttConnectionTest, WhatIsNotMqttIsNotCalledAFlawOfTlsWhereThereIsNone) {
  mosquitto_lib_init();
  {
    Stranger stranger;
    MqttConnection connection("127.0.0.1", {.host = "127.0.0.1", .port = stranger.port()}, "sidecar");
    stranger.Say(std::string_view("\0\0", 2));  // a packet of a type that there is not
    const auto deadline = std::chrono::steady_clock::now() + seconds(10);
    while (!connection.is_over() && std::chrono::steady_clock::now() < deadline) connection.Step(-1, seconds(1));
    EXPECT_EQ(connection.end_reason(), mosquitto_strerror(MOSQ_ERR_PROTOCOL));
    EXPECT_FALSE(connection.refused_bytes());
  }
  mosquitto_lib_cleanup();
}

}  // namespace
}  // namespace dedup::sidecar
