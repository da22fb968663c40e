#include "command/mqtt/client.h"

#include <mosquitto.h>
#if !__has_include(<mosquitto/mqtt_protocol.h>)  // From 2.1 on mosquitto.h has it.
#include <mqtt_protocol.h>
#endif

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

namespace dedup::command {
namespace {

constexpr int kKeepAliveS = 30;
constexpr int kTurnMs = 100;
constexpr std::chrono::seconds kConnectPatience{15};

double NowS() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string TextOf(int result) {
  return result == MOSQ_ERR_ERRNO ? std::system_category().message(errno) : mosquitto_strerror(result);
}

// No exception may pass through libmosquitto.
template <class Body>
void Guard(std::exception_ptr* failure, Body body) noexcept {
  try {
    body();
  } catch (...) {
    *failure = std::current_exception();
  }
}

}  // namespace

struct ClientCallbacks {
  static void OnConnect(mosquitto*, void* self, int reason, int, const mosquitto_property*) noexcept {
    auto& client = *static_cast<Client*>(self);
    Guard(&client.failure_, [&] {
      if (reason != 0) {
        const bool is_v5 = client.broker_.protocol == 5;
        client.refusal_ = "the broker refuses the connection: " +
                          std::string(is_v5 ? mosquitto_reason_string(reason) : mosquitto_connack_string(reason));
        return;
      }
      client.was_connected_ = true;
      client.events_.on_connect();
    });
  }

  static void OnSubscribe(mosquitto*, void* self, int, int count, const int* granted,
                          const mosquitto_property*) noexcept {
    auto& client = *static_cast<Client*>(self);
    Guard(&client.failure_, [&] {
      for (int i = 0; i < count; ++i) {
        if (granted[i] >= 128)
          client.refusal_ = "the broker refuses a subscription; is the topic allowed to this user?";
      }
    });
  }

  static void OnPublish(mosquitto*, void* self, int, int reason, const mosquitto_property*) noexcept {
    auto& client = *static_cast<Client*>(self);
    Guard(&client.failure_, [&] {
      if (client.events_.on_published) client.events_.on_published(reason);
    });
  }

  static void OnMessage(mosquitto*, void* self, const mosquitto_message* sent,
                        const mosquitto_property* properties) noexcept {
    auto& client = *static_cast<Client*>(self);
    Guard(&client.failure_, [&] {
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
      client.events_.on_message(message);
    });
  }

  static void OnDisconnect(mosquitto*, void* self, int reason, const mosquitto_property*) noexcept {
    auto& client = *static_cast<Client*>(self);
    Guard(&client.failure_, [&] {
      if (reason >= 128) client.disconnect_ = mosquitto_reason_string(reason);
    });
  }
};

void Client::Free::operator()(mosquitto* client) const { mosquitto_destroy(client); }

Client::Client(const BrokerAccess& broker, ClientEvents events) : broker_(broker), events_(std::move(events)) {
  mosquitto_lib_init();
  const char* const id = broker_.client_id.empty() ? nullptr : broker_.client_id.c_str();
  client_.reset(mosquitto_new(id, /*clean_start=*/true, this));
  if (client_ == nullptr)
    throw BrokerError("client id \"" + broker_.client_id + "\": " + std::system_category().message(errno));
  Check(mosquitto_int_option(client_.get(), MOSQ_OPT_PROTOCOL_VERSION, broker_.protocol));
  if (broker_.username) {
    Check(mosquitto_username_pw_set(client_.get(), broker_.username->c_str(),
                                    broker_.password ? broker_.password->c_str() : nullptr));
  }
  if (broker_.has_tls()) SetTls();
  mosquitto_connect_v5_callback_set(client_.get(), ClientCallbacks::OnConnect);
  mosquitto_subscribe_v5_callback_set(client_.get(), ClientCallbacks::OnSubscribe);
  mosquitto_publish_v5_callback_set(client_.get(), ClientCallbacks::OnPublish);
  mosquitto_message_v5_callback_set(client_.get(), ClientCallbacks::OnMessage);
  mosquitto_disconnect_v5_callback_set(client_.get(), ClientCallbacks::OnDisconnect);
  Check(mosquitto_connect_bind_v5(client_.get(), broker_.host.c_str(), broker_.PortOrDefault(), kKeepAliveS, nullptr,
                                  nullptr));
  deadline_ = std::chrono::steady_clock::now() + kConnectPatience;
}

Client::~Client() {
  if (client_ != nullptr) mosquitto_disconnect_v5(client_.get(), 0, nullptr);
  client_.reset();
  mosquitto_lib_cleanup();
}

bool Client::Turn() {
  const int result = mosquitto_loop(client_.get(), kTurnMs, 1);
  if (failure_) std::rethrow_exception(failure_);
  if (!refusal_.empty()) Fail(refusal_);
  if (!was_connected_ && std::chrono::steady_clock::now() > deadline_) Fail("no answer");
  if (result == MOSQ_ERR_SUCCESS) return true;
  if (!was_connected_) Fail(disconnect_.empty() ? TextOf(result) : disconnect_);
  return false;
}

void Client::Reconnect() { mosquitto_reconnect(client_.get()); }

void Client::Subscribe(const std::string& filter) {
  Check(mosquitto_subscribe_v5(client_.get(), nullptr, filter.c_str(), 1,
                               MQTT_SUB_OPT_RETAIN_AS_PUBLISHED | MQTT_SUB_OPT_SEND_RETAIN_NEVER, nullptr));
}

void Client::Publish(const std::string& topic, const std::string& payload) {
  const int result = mosquitto_publish_v5(client_.get(), nullptr, topic.c_str(), static_cast<int>(payload.size()),
                                          payload.data(), 1, false, nullptr);
  // What the socket says then tells less.
  if (result == MOSQ_ERR_CONN_LOST || result == MOSQ_ERR_NO_CONN || result == MOSQ_ERR_ERRNO) FailForLoss();
  Check(result);
}

void Client::FailForLoss() const { Fail("the connection is lost"); }

void Client::Fail(const std::string& why) const { throw BrokerError("broker " + broker_.Name() + ": " + why); }

void Client::SetTls() {
  const auto path = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  const int result = mosquitto_tls_set(client_.get(), path(broker_.ca_file), path(broker_.ca_path),
                                       path(broker_.certificate), path(broker_.key), nullptr);
  if (result == MOSQ_ERR_INVAL) Fail("a file of --cafile, --capath, --cert or --key cannot be read");
  Check(result);
  Check(mosquitto_tls_insecure_set(client_.get(), broker_.insecure));
}

void Client::Check(int result) const {
  if (result != MOSQ_ERR_SUCCESS) Fail(TextOf(result));
}

}  // namespace dedup::command
