#include "command/mqtt/listener.h"

#include <chrono>
#include <thread>
#include <utility>

#include "command/mqtt/client.h"

namespace dedup::command {
namespace {

constexpr std::chrono::seconds kReconnectDelay{1};

}  // namespace

std::size_t Listen(const BrokerAccess& broker, const std::vector<std::string>& filters, const Listening& listening) {
  std::size_t lost_count = 0;
  bool is_lost = false;
  bool is_enough = false;
  Client* subscriber = nullptr;
  Client client(broker, {.on_connect =
                             [&] {
                               lost_count += std::exchange(is_lost, false);
                               for (const std::string& filter : filters) subscriber->Subscribe(filter);
                             },
                         .on_message =
                             [&](const Message& message) {
                               // Before version 5 this is how what was kept from before is told apart.
                               if (message.retain && broker.protocol != 5) return;
                               if (!is_enough) is_enough = !listening.on_message(message);
                             }});
  subscriber = &client;
  while (!is_enough && listening.on_turn()) {
    if (client.Turn()) continue;
    is_lost = true;
    std::this_thread::sleep_for(kReconnectDelay);
    client.Reconnect();
  }
  // Whoever was never let in has not heard that there is nothing.
  if (!client.was_connected()) client.Fail("no answer");
  return lost_count;
}

}  // namespace dedup::command
