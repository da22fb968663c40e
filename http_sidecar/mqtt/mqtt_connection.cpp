#include "http_sidecar/mqtt/mqtt_connection.h"

#if !__has_include(<mosquitto/mqtt_protocol.h>)  // From 2.1 on mosquitto.h has it.
#include <mqtt_protocol.h>
#endif
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include "plugin/core/contract/receipts.h"

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kHandshakeLookInterval{10};
constexpr seconds kReceiptPatience{10};
constexpr seconds kSilencePatience{2};  // at QoS 0, where the broker may drop without a word
constexpr int kKeepAliveS = 10;

// Receipts are QoS 0, and Mosquitto drops those when more than max_queued_messages packets (1,000 by default) wait for
// a client. Each event in flight can mean two, a PUBACK and a receipt. And libmosquitto walks along all of them at each
// PUBACK: of 450, that was a third of the publisher's time.
constexpr std::size_t kInflightEventsMax = 200;
constexpr std::size_t kInflightBytesMax = std::size_t{8} << 20;

// The correlation data of what ends a question about a size.
constexpr char kEndOfQuestion[] = "size";

// A key with a passphrase must not make it ask on the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

}  // namespace

MqttConnection::MqttConnection(const std::string& address, const BrokerAccess& broker, const std::string& client_id)
    : client_(mosquitto_new(client_id.c_str(), /*clean_start=*/true, this)),
      has_tls_(!broker.ca_file.empty()),
      quota_(kInflightEventsMax) {
  if (client_ == nullptr) throw std::system_error(errno, std::system_category(), "mosquitto_new");
  mosquitto_int_option(client_, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_int_option(client_, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_int_option(client_, MOSQ_OPT_SEND_MAXIMUM, kInflightEventsMax);
  mosquitto_connect_v5_callback_set(client_, OnConnect);
  mosquitto_message_v5_callback_set(client_, OnMessage);
  mosquitto_publish_v5_callback_set(client_, OnPublish);
  mosquitto_disconnect_v5_callback_set(client_, OnDisconnect);
  mosquitto_log_callback_set(client_, OnLog);
  if (!broker.username.empty()) {
    const char* const password = broker.password.empty() ? nullptr : broker.password.c_str();
    CheckResult(mosquitto_username_pw_set(client_, broker.username.c_str(), password));
  }
  if (has_tls_) {
    const auto name_of = [](const std::string& file) { return file.empty() ? nullptr : file.c_str(); };
    CheckResult(mosquitto_tls_set(client_, broker.ca_file.c_str(), nullptr, name_of(broker.certificate_file),
                                  name_of(broker.key_file), NoPassphrase));
  }
  if (!is_over()) CheckResult(mosquitto_connect_async(client_, address.c_str(), broker.port, kKeepAliveS));
}

MqttConnection::~MqttConnection() { mosquitto_destroy(client_); }

// At QoS 0 nothing may wait in libmosquitto, which holds back what the broker has no quota for: it would be overtaken,
// and receipts are told apart by their order.
bool MqttConnection::HasRoomFor(const Delivery& delivery) const {
  return inflight_.count() < kInflightEventsMax && inflight_.payload_bytes() < kInflightBytesMax &&
         unacknowledged_.size() < (delivery.qos() == 0 ? quota_ : kInflightEventsMax);
}

void MqttConnection::Publish(const std::shared_ptr<Delivery>& delivery, std::size_t index) {
  const Event& event = delivery->events()[index];
  mosquitto_property* properties = nullptr;
  // The session's check has seen to it that it holds no NUL.
  if (const std::string id(session_.IdPropertyOf(event)); !id.empty()) {
    mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, session_.plugin.id_property.c_str(),
                                       id.c_str());
  }
  int packet_id = 0;
  const int result =
      mosquitto_publish_v5(client_, &packet_id, event.topic.c_str(), static_cast<int>(event.payload.size()),
                           event.payload.data(), delivery->qos(), delivery->retain(), properties);
  mosquitto_property_free_all(&properties);
  inflight_.Sent(delivery, index, packet_id, Clock::now());
  if (delivery->qos() > 0) unacknowledged_.insert(packet_id);
  CheckResult(result);
}

void MqttConnection::SetCork(bool is_corked) const {
  const int on = is_corked ? 1 : 0;
  setsockopt(mosquitto_socket(client_), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

void MqttConnection::Step(int wake_fd, milliseconds patience) {
  if (has_tls_ && !is_connected_) return StepOfHandshake(patience);
  const short events = mosquitto_want_write(client_) ? POLLIN | POLLOUT : POLLIN;
  pollfd fds[] = {{mosquitto_socket(client_), events, 0}, {wake_fd, POLLIN, 0}};
  poll(fds, 2, static_cast<int>(patience.count()));
  if (fds[1].revents != 0) {
    eventfd_t count;
    eventfd_read(wake_fd, &count);
  }
  if ((fds[0].revents & ~POLLOUT) != 0) {
    CheckResult(mosquitto_loop_read(client_, 1));
    AcknowledgeAtOnce();
  }
  if (!is_over() && (fds[0].revents & POLLOUT) != 0) CheckResult(mosquitto_loop_write(client_, 1));
  const Clock::time_point now = Clock::now();
  if (!is_over() && now - last_misc_ >= seconds(1)) {
    last_misc_ = now;
    CheckResult(mosquitto_loop_misc(client_));
    inflight_.RejectSilent(now - kSilencePatience);
    const auto oldest = asked_payload_bytes_ ? std::optional(asked_) : inflight_.oldest();
    if (oldest && now - *oldest > kReceiptPatience) {
      End("the broker has not answered for 10 s");
    }
  }
}

// Before the TLS handshake is over, libmosquitto does not tell what it waits for, and goes on with it only in reading.
void MqttConnection::StepOfHandshake(milliseconds patience) {
  pollfd fd{mosquitto_socket(client_), POLLIN, 0};
  poll(&fd, 1, static_cast<int>(std::min(patience, kHandshakeLookInterval).count()));
  CheckResult(mosquitto_loop_read(client_, 1));
  if (!is_over()) CheckResult(mosquitto_loop_write(client_, 1));
}

// A broker without `set_tcp_nodelay` keeps a receipt until the PUBACK before it is acknowledged, which TCP likes to put
// off for up to 40 ms. The kernel forgets this wish again and again.
void MqttConnection::AcknowledgeAtOnce() const {
  const int yes = 1;
  setsockopt(mosquitto_socket(client_), IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
}

void MqttConnection::End(const std::string& reason) {
  if (is_over()) return;
  end_reason_ = reason;
  inflight_.FailAll(reason + "; sending the same body again is safe");
}

void MqttConnection::Disconnect() { mosquitto_disconnect_v5(client_, 0, nullptr); }

void MqttConnection::CheckResult(int result) {
  if (result != MOSQ_ERR_SUCCESS) EndWith(result);
}

// With an error of libmosquitto's own.
void MqttConnection::EndWith(int error) {
  if (is_over()) return;
  const int system_error = errno;
  if (error == MOSQ_ERR_TLS || FailedInTlsHandshake()) {
    End("TLS" + tls_errors_);
  } else {
    const std::string reason = error == MOSQ_ERR_ERRNO       ? std::strerror(system_error)
                               : error == MOSQ_ERR_CONN_LOST ? "the broker closed the connection"
                                                             : mosquitto_strerror(error);
    // By TLS 1.3 a client is done before the server has looked at its certificate; whether it still hears of the
    // refusal is a matter of time.
    const bool may_be_refused =
        has_tls_ && !is_connected_ && (error != MOSQ_ERR_ERRNO || system_error == EPROTO || system_error == ECONNRESET);
    End(reason + (may_be_refused ? ", perhaps for want of a certificate that it trusts (--mqtt-cert)" : ""));
  }
}

// In later versions of libmosquitto with MOSQ_ERR_ERRNO, and EPROTO. Without TLS its log has errors of other kinds.
bool MqttConnection::FailedInTlsHandshake() const { return has_tls_ && !is_connected_ && !tls_errors_.empty(); }

// Mosquitto refuses an event beyond its message_size_limit with a reason that MQTT does not have for a PUBACK, and
// later versions of libmosquitto end the connection for that. At QoS 0 it drops it without a word. So blanks are sent
// to the plugin, which says at once that they are no request, if it gets them; and then a command that it does not
// know.
void MqttConnection::AskAboutPayload(std::size_t payload_bytes) {
  asked_payload_bytes_ = payload_bytes;
  is_asked_payload_taken_ = false;
  asked_ = Clock::now();
  Command(std::string(payload_bytes, ' '));
  Command(CommandRequest({"", ""}, kEndOfQuestion));
}

void MqttConnection::OnEndOfQuestion() {
  if (!asked_payload_bytes_) return;
  const std::size_t payload_bytes = *std::exchange(asked_payload_bytes_, std::nullopt);
  if (is_asked_payload_taken_) {
    session_.NoteTaken(payload_bytes);
  } else {
    session_.NoteRefused(payload_bytes);
    has_new_settings_ = true;
  }
}

void MqttConnection::Command(std::string_view request) {
  CheckResult(mosquitto_publish_v5(client_, nullptr, kControlTopic, static_cast<int>(request.size()), request.data(),
                                   /*qos=*/0, /*retain=*/false, nullptr));
}

// libmosquitto is C: no exception may pass through it.
template <class Function>
void MqttConnection::Guard(void* self, Function function) noexcept {
  auto* const connection = static_cast<MqttConnection*>(self);
  try {
    function(connection);
  } catch (const std::exception& error) {
    connection->EndAfterException(error.what());
  } catch (...) {
    connection->EndAfterException("an unknown error");
  }
}

void MqttConnection::EndAfterException(const char* what) noexcept {
  try {
    End(what);
  } catch (...) {  // out of memory, twice over: the end matters more than its reason
    end_reason_.assign(1, '?');
  }
}

void MqttConnection::OnConnect(mosquitto*, void* self, int reason, int, const mosquitto_property* properties) noexcept {
  Guard(self, [&](MqttConnection* connection) {
    if (reason != MQTT_RC_SUCCESS) {
      connection->End(std::string("the broker refused the connection: ") + mosquitto_reason_string(reason));
      return;
    }
    connection->is_connected_ = true;
    mosquitto_log_callback_set(connection->client_, nullptr);  // with one, it puts a line together for every packet
    Session& session = connection->session_;
    std::uint32_t packet_bytes_max = 0;
    mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &packet_bytes_max, false);
    if (packet_bytes_max > 0) session.packet_bytes_max = packet_bytes_max;
    std::uint16_t quota = 0;
    if (mosquitto_property_read_int16(properties, MQTT_PROP_RECEIVE_MAXIMUM, &quota, false) != nullptr) {
      connection->quota_ = std::min<std::size_t>(quota, kInflightEventsMax);
    }
    std::uint8_t byte = 0;
    if (mosquitto_property_read_byte(properties, MQTT_PROP_MAXIMUM_QOS, &byte, false) != nullptr) {
      session.qos_max = byte;
    }
    if (mosquitto_property_read_byte(properties, MQTT_PROP_RETAIN_AVAILABLE, &byte, false) != nullptr) {
      session.can_retain = byte != 0;
    }
    connection->Command(kReceiptsCommand);
  });
}

void MqttConnection::OnMessage(mosquitto*, void* self, const mosquitto_message* message,
                               const mosquitto_property*) noexcept {
  Guard(self, [&](MqttConnection* connection) {
    const std::string_view topic = message->topic;
    const std::string_view text(static_cast<const char*>(message->payload),
                                static_cast<std::size_t>(message->payloadlen));
    if (topic == kReceiptTopic) {
      connection->OnReceipts(text);
    } else if (topic == kResponseTopic) {
      connection->OnAnswer(text);
    }
  });
}

void MqttConnection::OnReceipts(std::string_view text) {
  bool in_step = true;
  const bool well_formed =
      ForEachReceipt(text, [&](const Receipt& receipt) { in_step = in_step && inflight_.Answer(receipt); });
  if (!in_step) End("a receipt of the broker's plugin was lost");
  if (!well_formed) End("the broker's plugin sent a malformed receipt");
}

void MqttConnection::OnAnswer(std::string_view text) {
  std::vector<CommandAnswer> answers = ParseCommandAnswers(text);
  if (!answers.empty()) {
    for (CommandAnswer& answer : answers) {
      if (answer.correlation == kEndOfQuestion) {
        OnEndOfQuestion();
      } else {
        answers_.push_back(std::move(answer));
      }
    }
    return;
  }
  if (asked_payload_bytes_ && IsUnread(text)) {
    is_asked_payload_taken_ = true;
    return;
  }
  auto answer = ParseReceiptsAnswer(text);
  if (!answer) {
    End(IsAnswerOfBroker(text) ? kNoPluginAnswers
                               : "the broker's plugin sent a malformed answer to the command `receipts`");
  } else if (!answer->error.empty()) {
    End("the broker's plugin refuses to send receipts: " + answer->error);
  } else if (!answer->is_numbered) {
    End("the broker's plugin is older than this sidecar and does not number its receipts; it is to be updated too");
  } else {
    session_.plugin = std::move(answer->settings);
    has_new_settings_ = std::exchange(is_ready_, true);
  }
}

// PUBACK, or PUBREC with an error, or PUBCOMP. What it acknowledges gets a receipt as well; only what the broker
// refused before the plugin saw it does not.
void MqttConnection::OnPublish(mosquitto*, void* self, int packet_id, int reason, const mosquitto_property*) noexcept {
  Guard(self, [&](MqttConnection* connection) {
    connection->unacknowledged_.erase(packet_id);
    if (reason < 0x80) return;
    if (reason == MQTT_RC_NOT_AUTHORIZED) {
      connection->inflight_.Reject(packet_id, problems::kForbiddenByBroker,
                                   "the broker does not let this sidecar publish to the topic");
    } else if (reason == MQTT_RC_PACKET_TOO_LARGE) {
      const auto bytes = connection->inflight_.Reject(packet_id, problems::kTooLarge, kTooLargeForBroker);
      if (bytes) connection->session_.NoteRefused(*bytes);  // it took as many before: its limit has been lowered
    } else {
      connection->inflight_.Reject(packet_id, problems::kBrokerUnavailable,
                                   std::string("was refused by the broker: ") + mosquitto_reason_string(reason));
    }
  });
}

// The only place where libmosquitto says why TLS failed, in a line or two.
void MqttConnection::OnLog(mosquitto*, void* self, int level, const char* text) noexcept {
  if (level != MOSQ_LOG_ERR) return;
  Guard(self, [text](MqttConnection* connection) { connection->tls_errors_.append(": ").append(text); });
}

void MqttConnection::OnDisconnect(mosquitto*, void* self, int reason, const mosquitto_property*) noexcept {
  Guard(self, [&](MqttConnection* connection) {
    // 0 and up to 0x7F: libmosquitto's own codes; above: the reason that the broker gave.
    if (reason >= 0x80) {
      connection->End(std::string("the broker closed the connection: ") + mosquitto_reason_string(reason));
    } else {
      connection->EndWith(reason == MOSQ_ERR_SUCCESS ? int{MOSQ_ERR_CONN_LOST} : reason);
    }
  });
}

}  // namespace dedup::sidecar
