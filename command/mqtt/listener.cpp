#include "command/mqtt/listener.h"

#include <mosquitto.h>
#if !__has_include(<mosquitto/mqtt_protocol.h>)  // From 2.1 on mosquitto.h has it.
#include <mqtt_protocol.h>
#endif

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace dedup::command {
namespace {

constexpr int kKeepAliveS = 30;
constexpr int kTurnMs = 100;
constexpr std::chrono::seconds kConnectPatience{15};
constexpr std::chrono::seconds kReconnectDelay{1};

double NowS() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string TextOf(int result) {
  return result == MOSQ_ERR_ERRNO ? std::system_category().message(errno) : mosquitto_strerror(result);
}

// One subscriber; libmosquitto's callbacks come from Turn().
class Subscriber {
 public:
  Subscriber(const BrokerAccess& broker, const std::vector<std::string>& filters, const Listening& listening)
      : broker_(broker), filters_(filters), listening_(listening) {
    mosquitto_lib_init();
    const char* const id = broker.client_id.empty() ? nullptr : broker.client_id.c_str();
    client_.reset(mosquitto_new(id, /*clean_start=*/true, this));
    if (client_ == nullptr)
      throw ListenError("client id \"" + broker.client_id + "\": " + std::system_category().message(errno));
    Check(mosquitto_int_option(client_.get(), MOSQ_OPT_PROTOCOL_VERSION, broker.protocol));
    if (broker.username) {
      Check(mosquitto_username_pw_set(client_.get(), broker.username->c_str(),
                                      broker.password ? broker.password->c_str() : nullptr));
    }
    if (broker.has_tls()) SetTls();
    mosquitto_connect_v5_callback_set(client_.get(), OnConnect);
    mosquitto_subscribe_v5_callback_set(client_.get(), OnSubscribe);
    mosquitto_message_v5_callback_set(client_.get(), OnMessage);
    mosquitto_disconnect_v5_callback_set(client_.get(), OnDisconnect);
  }
  ~Subscriber() {
    if (client_ != nullptr) mosquitto_disconnect_v5(client_.get(), 0, nullptr);
    client_.reset();
    mosquitto_lib_cleanup();
  }
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  void Connect() {
    const int result = mosquitto_connect_bind_v5(client_.get(), broker_.host.c_str(), broker_.PortOrDefault(),
                                                 kKeepAliveS, nullptr, nullptr);
    if (result != MOSQ_ERR_SUCCESS) Refuse(TextOf(result));
    deadline_ = std::chrono::steady_clock::now() + kConnectPatience;
  }

  // Lets libmosquitto work for a moment; false when enough was heard.
  bool Turn() {
    const int result = mosquitto_loop(client_.get(), kTurnMs, 1);
    if (failure_) std::rethrow_exception(failure_);
    if (!refusal_.empty()) throw ListenError(refusal_);
    if (is_enough_) return false;
    if (!was_connected_ && std::chrono::steady_clock::now() > deadline_) Refuse("no answer");
    if (result == MOSQ_ERR_SUCCESS) return true;
    if (!was_connected_) Refuse(disconnect_.empty() ? TextOf(result) : disconnect_);
    is_lost_ = true;
    std::this_thread::sleep_for(kReconnectDelay);
    mosquitto_reconnect(client_.get());
    return true;
  }

  // Whoever was never let in has not heard that there is nothing.
  void CheckConnected() const {
    if (!was_connected_) Refuse("no answer");
  }

  std::size_t lost_count() const { return lost_count_; }

 private:
  struct Free {
    void operator()(mosquitto* client) const { mosquitto_destroy(client); }
  };

  [[noreturn]] void Refuse(const std::string& why) const {
    throw ListenError("cannot listen to " + broker_.host + ":" + std::to_string(broker_.PortOrDefault()) + ": " + why);
  }

  void Check(int result) const {
    if (result != MOSQ_ERR_SUCCESS) Refuse(TextOf(result));
  }

  void SetTls() {
    const auto path = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
    const int result = mosquitto_tls_set(client_.get(), path(broker_.ca_file), path(broker_.ca_path),
                                         path(broker_.certificate), path(broker_.key), nullptr);
    if (result == MOSQ_ERR_INVAL) Refuse("a file of --cafile, --capath, --cert or --key cannot be read");
    Check(result);
    Check(mosquitto_tls_insecure_set(client_.get(), broker_.insecure));
  }

  // No exception may pass through libmosquitto.
  template <class Body>
  static void Guard(void* self, Body body) noexcept {
    auto* const subscriber = static_cast<Subscriber*>(self);
    try {
      body(subscriber);
    } catch (...) {
      subscriber->failure_ = std::current_exception();
    }
  }

  static void OnConnect(mosquitto* client, void* self, int reason, int, const mosquitto_property*) noexcept {
    Guard(self, [&](Subscriber* subscriber) {
      if (reason != 0) {
        const bool is_v5 = subscriber->broker_.protocol == 5;
        subscriber->refusal_ = "the broker refuses the connection: " +
                               std::string(is_v5 ? mosquitto_reason_string(reason) : mosquitto_connack_string(reason));
        return;
      }
      subscriber->lost_count_ += std::exchange(subscriber->is_lost_, false);
      subscriber->was_connected_ = true;
      for (const std::string& filter : subscriber->filters_) {
        subscriber->Check(mosquitto_subscribe_v5(client, nullptr, filter.c_str(), 1,
                                                 MQTT_SUB_OPT_RETAIN_AS_PUBLISHED | MQTT_SUB_OPT_SEND_RETAIN_NEVER,
                                                 nullptr));
      }
    });
  }

  static void OnSubscribe(mosquitto*, void* self, int, int count, const int* granted,
                          const mosquitto_property*) noexcept {
    Guard(self, [&](Subscriber* subscriber) {
      for (int i = 0; i < count; ++i) {
        if (granted[i] >= 128)
          subscriber->refusal_ = "the broker refuses a subscription; is the topic allowed to this user?";
      }
    });
  }

  static void OnMessage(mosquitto*, void* self, const mosquitto_message* sent,
                        const mosquitto_property* properties) noexcept {
    Guard(self, [&](Subscriber* subscriber) {
      // Before version 5 this is how what was kept from before is told apart.
      if (sent->retain && subscriber->broker_.protocol != 5) return;
      Message message;
      message.time_s = NowS();
      message.topic = sent->topic;
      message.payload = {static_cast<const char*>(sent->payload), static_cast<std::size_t>(sent->payloadlen)};
      message.qos = static_cast<std::uint8_t>(sent->qos);
      message.retain = sent->retain;

      std::vector<std::unique_ptr<char, decltype(&std::free)>> texts;
      std::vector<Property> user;
      char* name = nullptr;
      char* value = nullptr;
      bool is_next = false;
      for (const mosquitto_property* property = properties;
           (property = mosquitto_property_read_string_pair(property, MQTT_PROP_USER_PROPERTY, &name, &value,
                                                           is_next)) != nullptr;
           is_next = true) {
        texts.emplace_back(name, std::free);
        texts.emplace_back(value, std::free);
        user.emplace_back(name, value);
      }
      message.properties = user;
      char* type = nullptr;
      if (mosquitto_property_read_string(properties, MQTT_PROP_CONTENT_TYPE, &type, false) != nullptr) {
        texts.emplace_back(type, std::free);
        message.content_type = type;
      }
      if (!subscriber->is_enough_) subscriber->is_enough_ = !subscriber->listening_.on_message(message);
    });
  }

  static void OnDisconnect(mosquitto*, void* self, int reason, const mosquitto_property*) noexcept {
    Guard(self, [&](Subscriber* subscriber) {
      if (reason >= 128) subscriber->disconnect_ = mosquitto_reason_string(reason);
    });
  }

  const BrokerAccess& broker_;
  const std::vector<std::string>& filters_;
  const Listening& listening_;
  std::unique_ptr<mosquitto, Free> client_;
  std::chrono::steady_clock::time_point deadline_;
  std::exception_ptr failure_;
  std::string refusal_;
  std::string disconnect_;
  bool was_connected_ = false;
  bool is_lost_ = false;
  bool is_enough_ = false;
  std::size_t lost_count_ = 0;
};

}  // namespace

std::size_t Listen(const BrokerAccess& broker, const std::vector<std::string>& filters, const Listening& listening) {
  Subscriber subscriber(broker, filters, listening);
  subscriber.Connect();
  while (listening.on_turn() && subscriber.Turn()) {
  }
  subscriber.CheckConnected();
  return subscriber.lost_count();
}

}  // namespace dedup::command
