// One MQTT connection to the broker, by libmosquitto.
#pragma once

#include <mosquitto.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "http_sidecar/mqtt/broker_access.h"
#include "http_sidecar/mqtt/delivery.h"
#include "http_sidecar/mqtt/inflight.h"
#include "http_sidecar/mqtt/session.h"
#include "plugin/core/contract/control.h"

namespace dedup::sidecar {

/// Why a connection ends that the broker accepts but its plugin does not answer.
inline constexpr char kNoPluginAnswers[] = "its dedup plugin does not answer; is it loaded?";

/// From CONNECT to its end. A new object each time, so that libmosquitto has nothing to resend: whoever waited for
/// those events has been told to send them again.
///
/// Threading: one thread. Errors: the constructor throws std::system_error; all others end the connection, see
/// end_reason().
class MqttConnection {
 public:
  /// Starts to connect to `address`, which is one of the broker's host.
  MqttConnection(const std::string& address, const BrokerAccess& broker, const std::string& client_id);
  ~MqttConnection();
  MqttConnection(const MqttConnection&) = delete;
  MqttConnection& operator=(const MqttConnection&) = delete;

  /// Whether the broker has let us in, and whether the plugin has turned our receipts on.
  bool is_connected() const { return is_connected_; }
  bool is_ready() const { return is_ready_; }
  bool is_over() const { return !end_reason_.empty(); }
  const std::string& end_reason() const { return end_reason_; }

  /// What broker and plugin take, without a number. Once it is ready.
  const Session& session() const { return session_; }
  /// Whether the session has changed since the last call: the plugin tells other settings when its rules change, and a
  /// size that the broker does not take becomes known.
  bool TakeNewSettings() { return std::exchange(has_new_settings_, false); }

  /// Finds out whether the broker takes a payload of so many bytes, which must fit its packets; the answer will be
  /// found in the session. An event that it does not take would end the connection; this does not. One question at a
  /// time.
  void AskAboutPayload(std::size_t payload_bytes);
  /// What is being found out.
  std::optional<std::size_t> asked_payload_bytes() const { return asked_payload_bytes_; }

  /// Whether an event of the delivery can be published now.
  bool HasRoomFor(const Delivery& delivery) const;
  void Publish(const std::shared_ptr<Delivery>& delivery, std::size_t index);

  /// While it is corked, what is published is put together: sending many small packets costs more than making them.
  void SetCork(bool is_corked) const;

  /// Sends a request with commands for the plugin.
  void Command(std::string_view request);
  /// The answers to those with correlation data, each once.
  std::vector<CommandAnswer> TakeAnswers() { return std::exchange(answers_, {}); }

  /// Waits for traffic, or for `wake_fd`, and handles it.
  void Step(int wake_fd, std::chrono::milliseconds patience);

  /// Gives up: whoever waits is told why.
  void End(const std::string& reason);

  /// Takes leave of the broker, so that it does not wait for us.
  void Disconnect();

 private:
  using Clock = std::chrono::steady_clock;

  template <class Function>
  static void Guard(void* self, Function function) noexcept;
  void EndAfterException(const char* what) noexcept;
  void CheckResult(int result);
  void EndWith(int error);
  bool FailedInTlsHandshake() const;

  void AcknowledgeAtOnce() const;
  void StepOfHandshake(std::chrono::milliseconds patience);
  void OnReceipts(std::string_view text);
  void OnAnswer(std::string_view text);
  void OnEndOfQuestion();

  // libmosquitto calls them in Step():
  static void OnConnect(mosquitto*, void* self, int reason, int, const mosquitto_property* properties) noexcept;
  static void OnMessage(mosquitto*, void* self, const mosquitto_message* message, const mosquitto_property*) noexcept;
  static void OnPublish(mosquitto*, void* self, int packet_id, int reason, const mosquitto_property*) noexcept;
  static void OnDisconnect(mosquitto*, void* self, int reason, const mosquitto_property*) noexcept;
  static void OnLog(mosquitto*, void* self, int level, const char* text) noexcept;

  mosquitto* const client_;
  const bool has_tls_;
  std::string tls_errors_;  // from libmosquitto's log
  Inflight inflight_;
  bool is_connected_ = false;
  bool is_ready_ = false;
  Session session_;
  bool has_new_settings_ = false;
  std::unordered_set<int> unacknowledged_;  // packet ids of QoS 1 and 2
  std::size_t quota_;                       // so many of them does the broker take
  std::string end_reason_;
  std::optional<std::size_t> asked_payload_bytes_;
  bool is_asked_payload_taken_ = false;
  Clock::time_point asked_ = {};
  Clock::time_point last_misc_ = Clock::now();
  std::vector<CommandAnswer> answers_;
};

}  // namespace dedup::sidecar
