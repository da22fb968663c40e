#include "plugin/broker/versions.h"

#include <dlfcn.h>

#include <cstdint>
#include <cstring>

namespace dedup::broker {
namespace {

// How long the loop of 2.1 may wait for traffic; that of 2.0 never waits longer than 100 ms.
constexpr long kBusyTick_ms = 1;
constexpr long kIdleTick_ms = 100;

// A template, so that only the member that the installed headers have need compile.
template <class Tick>
void SetNext(Tick* tick, long next_ms) {
  if constexpr (requires { tick->next_ms; }) {
    tick->next_ms = next_ms;
  } else {
    tick->next_ns = next_ms;  // in the place of 2.1's next_ms
  }
}

}  // namespace

bool IsBroker20() {
  static const bool kIs20 = dlsym(RTLD_DEFAULT, "mosquitto_plugin_set_info") == nullptr;
  return kIs20;
}

// Every version with epoll begins its struct mosquitto with what it is (2: a client) and its socket.
int SocketOf(const mosquitto* client) {
  int beginning[2];
  std::memcpy(beginning, static_cast<const void*>(client), sizeof beginning);
  return beginning[0] == 2 ? beginning[1] : -1;
}

// There the plugin's identifier holds its listener and nothing else (struct mosquitto_plugin_id_t).
bool IsPerListener20(const mosquitto_plugin_id_t* identifier) {
  if (!IsBroker20()) return false;
  const void* listener;
  std::memcpy(&listener, static_cast<const void*>(identifier), sizeof listener);
  return listener != nullptr;
}

// Every version's struct mqtt5__property is the next one's address, two strings with their sizes, and a word or less.
void SwapContents(mosquitto_property* a, mosquitto_property* b) {
  struct Node {
    void* next;
    void* strings[4];
    std::int32_t identifier;
    char rest[4];
  };
  static_assert(sizeof(Node) == 48);
  unsigned char bytes[sizeof(Node)];
  std::memcpy(bytes, static_cast<const void*>(a), sizeof bytes);
  std::memcpy(static_cast<void*>(a), static_cast<const void*>(b), sizeof bytes);
  std::memcpy(static_cast<void*>(b), bytes, sizeof bytes);
}

// 2.0 reads neither field. In 2.1 the next call is due at now_s plus that, so with 0 it comes at every turn, as in 2.0.
void AskForNextTick(mosquitto_evt_tick* tick, bool soon) {
  SetNext(tick, soon ? kBusyTick_ms : kIdleTick_ms);
  tick->now_s = 0;
}

}  // namespace dedup::broker
