#include "http_sidecar/mqtt/publisher.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "http_sidecar/base/hex.h"
#include "http_sidecar/base/stderr_log.h"
#include "http_sidecar/mqtt/inflight.h"
#include "plugin/core/contract/control.h"
#include "plugin/core/text/topic_filter.h"

namespace dedup::sidecar {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kReconnectDelayMin{100};
constexpr milliseconds kReconnectDelayMax{2000};
constexpr milliseconds kConnectPatience{3000};  // of an attempt: TCP, CONNACK and the plugin's answer
constexpr milliseconds kSessionPatience{1500};  // of a request that finds no connection
constexpr milliseconds kHandshakeLookInterval{10};
constexpr seconds kReceiptPatience{10};
constexpr seconds kSilencePatience{2};    // at QoS 0, where the broker may drop without a word
constexpr seconds kDeliveryPatience{60};  // of a request in all; the biggest batches take seconds
constexpr seconds kTopPatience{2};
constexpr seconds kTopAgeMax{1};
constexpr int kKeepAliveS = 10;

// Receipts are QoS 0, and Mosquitto drops those when more than max_queued_messages packets (1,000 by default) wait for
// a client. Each event in flight can mean two, a PUBACK and a receipt. And libmosquitto walks along all of them at each
// PUBACK: of 450, that was a third of the publisher's time.
constexpr std::size_t kInflightEventsMax = 200;
constexpr std::size_t kInflightBytesMax = std::size_t{8} << 20;
// A batch gives way to the next after so many events, so that a single event does not wait for 100,000 others.
constexpr std::size_t kEventsPerTurn = 32;

constexpr std::size_t kTopicLevelsMax = 200;  // the broker cuts a connection that goes beyond
constexpr std::size_t kMqttPacketBytesMax = 268'435'455;

std::string MakeClientId() { return "mosquitto-dedup-http-" + RandomHex(8); }

int MakeEventFd() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  return fd;
}

// libmosquitto's own name resolution takes only the first address when it does not block, so a "localhost" that is ::1
// first would hide a broker on 127.0.0.1.
std::vector<std::string> Resolve(const std::string& host, std::string* error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found); code != 0) {
    *error = code == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(code);
    return {};
  }
  std::vector<std::string> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(info->ai_addr, info->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text);
    }
  }
  freeaddrinfo(found);
  return addresses;
}

bool IsMqttString(std::string_view text) {
  return mosquitto_validate_utf8(text.data(), static_cast<int>(text.size())) == MOSQ_ERR_SUCCESS;
}

}  // namespace

/// What a batch must fit: the settings of one connection's broker and plugin.
struct Publisher::Session {
  std::uint64_t number;
  PluginSettings plugin;
  std::size_t packet_bytes_max;
  int qos_max;
  bool can_retain;

  // The plugin reads the id from the posted JSON, unless it was told to look at another member.
  bool id_in_property() const { return plugin.id_member != "event_id"; }

  std::optional<Problem> Check(const Batch& batch) const {
    if (batch.qos > qos_max)
      return Problem{problems::kUnsupportedByBroker, "qos: the broker takes at most " + std::to_string(qos_max)};
    if (batch.retain && !can_retain)
      return Problem{problems::kUnsupportedByBroker, "retain: the broker retains no messages"};
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
      if (auto problem = Check(batch.events[i], i)) return problem;
    }
    return std::nullopt;
  }

  std::optional<Problem> Check(const Event& event, std::size_t index) const {
    const std::string& topic = event.topic;
    if (mosquitto_pub_topic_check2(topic.data(), topic.size()) != MOSQ_ERR_SUCCESS || !IsMqttString(topic)) {
      return EventProblem(index, "topic", "holds a character that MQTT does not allow in a topic");
    }
    if (static_cast<std::size_t>(std::ranges::count(topic, '/')) > kTopicLevelsMax) {
      return EventProblem(index, "topic", "has more than 200 levels");
    }
    if (!MatchesAny(topic, plugin.topics)) {
      return EventProblem(index, "topic", "is none of the topics that the broker's plugin was told to deduplicate");
    }
    if (id_in_property() && !IsMqttString(event.event_id)) {
      return EventProblem(index, "event_id", "holds a character that MQTT does not allow in a user property");
    }
    // Header, lengths and packet id take less than 32 bytes.
    const std::size_t property_bytes = id_in_property() ? plugin.id_property.size() + event.event_id.size() : 0;
    if (topic.size() + event.payload.size() + property_bytes + 32 > packet_bytes_max) {
      return Problem{problems::kTooLarge, EventProblem(index, "", "is larger than the broker takes").detail};
    }
    return std::nullopt;
  }
};

/// A delivery of which some events may still have to be sent.
struct Publisher::Sending {
  std::shared_ptr<Delivery> delivery;
  std::size_t next = 0;
};

/// One MQTT connection, from CONNECT to its end. A new object each time, so that libmosquitto has nothing to resend:
/// whoever waited for those events has been told to send them again.
class Publisher::Connection {
 public:
  Connection(const std::string& address, const BrokerAccess& broker, const std::string& client_id)
      : client_(mosquitto_new(client_id.c_str(), /*clean_start=*/true, this)), has_tls_(!broker.ca_file.empty()) {
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
      CheckResult(mosquitto_tls_set(client_, broker.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr));
    }
    if (!is_over()) CheckResult(mosquitto_connect_async(client_, address.c_str(), broker.port, kKeepAliveS));
  }
  ~Connection() { mosquitto_destroy(client_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Whether the broker has let us in, and whether the plugin has turned our receipts on.
  bool is_connected() const { return is_connected_; }
  bool is_ready() const { return settings_.has_value(); }
  bool is_over() const { return !end_reason_.empty(); }
  const std::string& end_reason() const { return end_reason_; }

  const PluginSettings& settings() const { return *settings_; }
  std::size_t packet_bytes_max() const { return packet_bytes_max_; }
  int qos_max() const { return qos_max_; }
  bool can_retain() const { return can_retain_; }

  // At QoS 0 nothing may wait in libmosquitto, which holds back what the broker has no quota for: it would be
  // overtaken, and receipts are told apart by their order.
  bool HasRoomFor(const Delivery& delivery) const {
    return inflight_.count() < kInflightEventsMax && inflight_.payload_bytes() < kInflightBytesMax &&
           unacknowledged_.size() < (delivery.qos() == 0 ? quota_ : kInflightEventsMax);
  }

  void Publish(const std::shared_ptr<Delivery>& delivery, std::size_t index) {
    const Event& event = delivery->events()[index];
    mosquitto_property* properties = nullptr;
    if (settings_->id_member != "event_id") {
      mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, settings_->id_property.c_str(),
                                         event.event_id.c_str());
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

  /// While it is corked, what is published is put together: sending many small packets costs more than making them.
  void SetCork(bool is_corked) const {
    const int on = is_corked ? 1 : 0;
    setsockopt(mosquitto_socket(client_), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
  }

  /// Asks the plugin for the top lists; once is enough until it has answered.
  void AskForTop() {
    if (std::exchange(top_asked_, true)) return;
    Command(kTopCommand);
  }
  /// Its answer, once.
  std::optional<TopAnswer> TakeTop() { return std::exchange(top_answer_, std::nullopt); }

  /// Waits for traffic, or for `wake_fd`, and handles it.
  void Step(int wake_fd, milliseconds patience) {
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
      if (const auto oldest = inflight_.oldest(); oldest && now - *oldest > kReceiptPatience) {
        End("the broker has not answered for 10 s");
      }
    }
  }

  /// Gives up: whoever waits is told why.
  void End(const std::string& reason) {
    if (is_over()) return;
    end_reason_ = reason;
    inflight_.FailAll(reason + "; sending the same body again is safe");
  }

  void Disconnect() { mosquitto_disconnect_v5(client_, 0, nullptr); }

 private:
  // A broker without `set_tcp_nodelay` keeps a receipt until the PUBACK before it is acknowledged, which TCP likes to
  // put off for up to 40 ms. The kernel forgets this wish again and again.
  void AcknowledgeAtOnce() const {
    const int yes = 1;
    setsockopt(mosquitto_socket(client_), IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
  }

  void CheckResult(int result) {
    if (result == MOSQ_ERR_SUCCESS || is_over()) return;
    End(result == MOSQ_ERR_ERRNO ? std::strerror(errno)
        : result == MOSQ_ERR_TLS ? "TLS" + tls_errors_
                                 : mosquitto_strerror(result));
  }

  // Before the TLS handshake is over, libmosquitto does not tell what it waits for, and goes on with it only in
  // reading.
  void StepOfHandshake(milliseconds patience) {
    pollfd fd{mosquitto_socket(client_), POLLIN, 0};
    poll(&fd, 1, static_cast<int>(std::min(patience, kHandshakeLookInterval).count()));
    CheckResult(mosquitto_loop_read(client_, 1));
    if (!is_over()) CheckResult(mosquitto_loop_write(client_, 1));
  }

  void Command(std::string_view command) {
    CheckResult(mosquitto_publish_v5(client_, nullptr, kControlTopic, static_cast<int>(command.size()), command.data(),
                                     /*qos=*/0, /*retain=*/false, nullptr));
  }

  // libmosquitto is C: no exception may pass through it.
  template <class Function>
  static void Guard(void* self, Function function) noexcept {
    auto* const connection = static_cast<Connection*>(self);
    try {
      function(connection);
    } catch (const std::exception& error) {
      connection->EndAfterException(error.what());
    } catch (...) {
      connection->EndAfterException("an unknown error");
    }
  }

  void EndAfterException(const char* what) noexcept {
    try {
      End(what);
    } catch (...) {  // out of memory, twice over: the end matters more than its reason
      end_reason_.assign(1, '?');
    }
  }

  static void OnConnect(mosquitto*, void* self, int reason, int, const mosquitto_property* properties) noexcept {
    Guard(self, [&](Connection* connection) {
      if (reason != MQTT_RC_SUCCESS) {
        connection->End(std::string("the broker refused the connection: ") + mosquitto_reason_string(reason));
        return;
      }
      connection->is_connected_ = true;
      mosquitto_log_callback_set(connection->client_, nullptr);  // with one, it puts a line together for every packet
      std::uint32_t packet_bytes_max = 0;
      mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &packet_bytes_max, false);
      if (packet_bytes_max > 0) connection->packet_bytes_max_ = packet_bytes_max;
      std::uint16_t quota = 0;
      if (mosquitto_property_read_int16(properties, MQTT_PROP_RECEIVE_MAXIMUM, &quota, false) != nullptr) {
        connection->quota_ = std::min<std::size_t>(quota, kInflightEventsMax);
      }
      std::uint8_t byte = 0;
      if (mosquitto_property_read_byte(properties, MQTT_PROP_MAXIMUM_QOS, &byte, false) != nullptr) {
        connection->qos_max_ = byte;
      }
      if (mosquitto_property_read_byte(properties, MQTT_PROP_RETAIN_AVAILABLE, &byte, false) != nullptr) {
        connection->can_retain_ = byte != 0;
      }
      connection->Command(kReceiptsCommand);
    });
  }

  static void OnMessage(mosquitto*, void* self, const mosquitto_message* message, const mosquitto_property*) noexcept {
    Guard(self, [&](Connection* connection) {
      const std::string_view topic = message->topic;
      const std::string_view text(static_cast<const char*>(message->payload),
                                  static_cast<std::size_t>(message->payloadlen));
      if (topic == kReceiptTopic) {
        connection->OnReceipts(text);
      } else if (topic == kResponseTopic) {
        connection->OnReceiptsAnswer(text);
      }
    });
  }

  void OnReceipts(std::string_view text) {
    bool in_step = true;
    const bool well_formed =
        ForEachReceipt(text, [&](const Receipt& receipt) { in_step = in_step && inflight_.Answer(receipt); });
    if (!in_step) End("a receipt of the broker's plugin was lost");
    if (!well_formed) End("the broker's plugin sent a malformed receipt");
  }

  void OnReceiptsAnswer(std::string_view text) {
    if (auto top = ParseTopAnswer(text)) {
      top_asked_ = false;
      top_answer_ = std::move(top);
      return;
    }
    auto answer = ParseReceiptsAnswer(text);
    if (!answer) {
      End("the broker's plugin sent a malformed answer to the command `receipts`");
    } else if (!answer->error.empty()) {
      End("the broker's plugin refuses to send receipts: " + answer->error);
    } else {
      settings_ = std::move(answer->settings);
    }
  }

  // PUBACK, or PUBREC with an error, or PUBCOMP. What it acknowledges gets a receipt as well; only what the broker
  // refused before the plugin saw it does not.
  static void OnPublish(mosquitto*, void* self, int packet_id, int reason, const mosquitto_property*) noexcept {
    Guard(self, [&](Connection* connection) {
      connection->unacknowledged_.erase(packet_id);
      if (reason < 0x80) return;
      if (reason == MQTT_RC_NOT_AUTHORIZED) {
        connection->inflight_.Reject(packet_id, problems::kForbiddenByBroker,
                                     "the broker does not let this sidecar publish to the topic");
      } else if (reason == MQTT_RC_PACKET_TOO_LARGE) {
        connection->inflight_.Reject(packet_id, problems::kTooLarge, "is larger than the broker takes");
      } else {
        connection->End(std::string("the broker refused a publish: ") + mosquitto_reason_string(reason));
      }
    });
  }

  // The only place where libmosquitto says why TLS failed, in a line or two.
  static void OnLog(mosquitto*, void* self, int level, const char* text) noexcept {
    if (level != MOSQ_LOG_ERR) return;
    Guard(self, [text](Connection* connection) { connection->tls_errors_.append(": ").append(text); });
  }

  static void OnDisconnect(mosquitto*, void* self, int reason, const mosquitto_property*) noexcept {
    Guard(self, [&](Connection* connection) {
      // 0 and up to 0x7F: libmosquitto's own codes; above: the reason that the broker gave.
      if (reason == MOSQ_ERR_ERRNO) {
        connection->End(std::strerror(errno));
      } else if (reason >= 0x80) {
        connection->End(std::string("the broker closed the connection: ") + mosquitto_reason_string(reason));
      } else if (reason == MOSQ_ERR_SUCCESS || reason == MOSQ_ERR_CONN_LOST) {
        connection->End("the broker closed the connection");
      } else {
        connection->End(mosquitto_strerror(reason));
      }
    });
  }

  mosquitto* const client_;
  const bool has_tls_;
  std::string tls_errors_;  // from libmosquitto's log
  Inflight inflight_;
  bool is_connected_ = false;
  std::optional<PluginSettings> settings_;
  std::size_t packet_bytes_max_ = kMqttPacketBytesMax;
  int qos_max_ = 2;
  bool can_retain_ = true;
  std::unordered_set<int> unacknowledged_;  // packet ids of QoS 1 and 2
  std::size_t quota_ = kInflightEventsMax;  // so many of them does the broker take
  std::string end_reason_;
  Clock::time_point last_misc_ = Clock::now();
  bool top_asked_ = false;
  std::optional<TopAnswer> top_answer_;
};

Publisher::Publisher(BrokerAccess broker)
    : broker_(std::move(broker)), client_id_(MakeClientId()), wake_fd_(MakeEventFd()) {
  mosquitto_lib_init();
  trouble_ = "not yet connected to the broker at " + broker_.host + ":" + std::to_string(broker_.port);
  thread_ = std::thread(&Publisher::Run, this);
}

Publisher::~Publisher() {
  Stop();
  close(wake_fd_);
  mosquitto_lib_cleanup();
}

void Publisher::Stop() {
  stopping_ = true;
  Wake();
  if (thread_.joinable()) thread_.join();
}

std::string Publisher::Trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::variant<std::vector<Outcome>, Problem> Publisher::Publish(std::shared_ptr<const Batch> batch) {
  const auto session = AwaitSession();
  if (!session) return Problem{problems::kBrokerUnavailable, Trouble()};
  if (auto problem = session->Check(*batch)) return *std::move(problem);
  const auto delivery = std::make_shared<Delivery>(std::move(batch), session->number);
  if (!Submit(delivery)) return Problem{problems::kBrokerUnavailable, "the connection to the broker was just lost"};
  Problem problem;
  if (!delivery->Wait(kDeliveryPatience, &problem)) return problem;
  return delivery->outcomes();
}

std::variant<std::string, Problem> Publisher::Top() {
  const Clock::time_point now = Clock::now();
  if (!AwaitSession()) return Problem{problems::kBrokerUnavailable, Trouble()};
  std::unique_lock lock(mutex_);
  const auto is_new = [this, now] { return top_.time > now - kTopAgeMax; };
  if (!is_new()) {
    top_.is_wanted = true;
    Wake();
    top_changed_.wait_for(lock, kTopPatience, [&] { return is_new() || !session_; });
  }
  if (!is_new()) {
    return Problem{problems::kBrokerUnavailable, session_ ? "the broker's plugin did not answer the command `top`"
                                                          : "the connection to the broker was just lost"};
  }
  if (!top_.answer.error.empty())
    return Problem{problems::kBrokerUnavailable, "the broker's plugin tells no top lists: " + top_.answer.error};
  return top_.answer.text;
}

std::shared_ptr<const Publisher::Session> Publisher::AwaitSession() {
  std::unique_lock lock(mutex_);
  if (!session_ && !stopping_) {
    Wake();  // ends a pause between two attempts
    session_changed_.wait_for(lock, kSessionPatience, [this] { return session_ || stopping_; });
  }
  return session_;
}

bool Publisher::Submit(std::shared_ptr<Delivery> delivery) {
  {
    const std::lock_guard lock(mutex_);
    if (!session_ || session_->number != delivery->session()) return false;
    submitted_.push_back(std::move(delivery));
    if (submitted_.size() > 1) return true;  // whoever was first has woken the publisher
  }
  Wake();
  return true;
}

void Publisher::Wake() const { eventfd_write(wake_fd_, 1); }

void Publisher::Run() {
  milliseconds delay{0};
  while (!stopping_) {
    Pause(delay);
    bool served = false;
    try {
      served = ServeOnce();
    } catch (const std::exception& error) {  // out of memory or file descriptors: it may pass
      EndSession(std::string("cannot connect to the broker: ") + error.what());
    }
    delay = served ? kReconnectDelayMin : std::clamp(delay * 2, kReconnectDelayMin, kReconnectDelayMax);
  }
  EndSession("the sidecar is stopping");
}

// Tries each of the broker's addresses. False when none came to the point where events can be published.
bool Publisher::ServeOnce() {
  std::string error;
  // With TLS the name itself, for that is what the certificate must tell.
  const bool has_tls = !broker_.ca_file.empty();
  const std::vector<std::string> addresses =
      has_tls ? std::vector<std::string>{broker_.host} : Resolve(broker_.host, &error);
  if (addresses.empty()) Complain("cannot resolve the broker's name " + broker_.host + ": " + error);
  return std::ranges::any_of(addresses, [this](const auto& address) { return !stopping_ && Serve(address); });
}

// A request that waits cuts the pause short, but not below the least.
void Publisher::Pause(milliseconds delay) {
  const auto begin = Clock::now();
  bool hurried = false;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(begin + (hurried ? kReconnectDelayMin : delay) - Clock::now());
    if (left <= milliseconds(0) || stopping_) return;
    pollfd fd{wake_fd_, POLLIN, 0};
    if (poll(&fd, 1, static_cast<int>(left.count())) > 0) {
      eventfd_t count;
      eventfd_read(wake_fd_, &count);
      hurried = true;
    }
  }
}

// One connection from beginning to end.
bool Publisher::Serve(const std::string& address) {
  const std::string broker = broker_.host + ":" + std::to_string(broker_.port);
  Connection connection(address, broker_, client_id_);
  const auto deadline = Clock::now() + kConnectPatience;
  while (!connection.is_ready() && !connection.is_over() && !stopping_) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) {
      connection.End(connection.is_connected() ? "its dedup plugin does not answer; is it loaded?"
                                               : "it does not answer");
    } else {
      connection.Step(wake_fd_, left);
    }
  }
  if (!connection.is_ready()) {
    Complain("cannot use the broker at " + broker + ": " + connection.end_reason());
    return false;
  }
  BeginSession(connection);
  Log("connected to the broker at " + broker);
  while (!connection.is_over() && !stopping_) {
    TakeSubmitted();
    SendSome(&connection);
    ExchangeTop(&connection);
    if (!connection.is_over()) connection.Step(wake_fd_, seconds(1));
  }
  if (stopping_) {
    connection.Disconnect();
    connection.End("the sidecar is stopping");
  }
  EndSession("lost the broker at " + broker + ": " + connection.end_reason());
  return true;
}

void Publisher::BeginSession(const Connection& connection) {
  const std::lock_guard lock(mutex_);
  session_ = std::make_shared<Session>(Session{++session_count_, connection.settings(), connection.packet_bytes_max(),
                                               connection.qos_max(), connection.can_retain()});
  trouble_.clear();
  session_changed_.notify_all();
}

void Publisher::EndSession(const std::string& reason) {
  TakeSubmitted();
  for (const Sending& sending : std::exchange(sending_, {})) sending.delivery->Fail(reason);
  std::vector<std::shared_ptr<Delivery>> late;
  {
    const std::lock_guard lock(mutex_);
    session_ = nullptr;
    late.swap(submitted_);
    top_ = {};
    session_changed_.notify_all();
    top_changed_.notify_all();
  }
  for (const auto& delivery : late) delivery->Fail(reason);
  Complain(reason);
}

// Logged when it is news.
void Publisher::Complain(const std::string& trouble) {
  {
    const std::lock_guard lock(mutex_);
    if (trouble == trouble_) return;
    trouble_ = trouble;
  }
  if (!stopping_) Log(trouble);
}

void Publisher::TakeSubmitted() {
  std::vector<std::shared_ptr<Delivery>> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(submitted_);
  }
  for (auto& delivery : taken) sending_.push_back({std::move(delivery), 0});
}

void Publisher::SendSome(Connection* connection) {
  if (sending_.empty()) return;
  connection->SetCork(true);
  SendAllThereIsRoomFor(connection);
  connection->SetCork(false);
}

void Publisher::SendAllThereIsRoomFor(Connection* connection) {
  while (!sending_.empty()) {
    Sending sending = std::move(sending_.front());
    sending_.pop_front();
    const std::size_t count = sending.delivery->events().size();
    const std::size_t turn_end = std::min(count, sending.next + kEventsPerTurn);
    while (sending.next < turn_end && connection->HasRoomFor(*sending.delivery) && !connection->is_over()) {
      connection->Publish(sending.delivery, sending.next++);
    }
    const bool stuck = sending.next < turn_end;
    if (stuck) {
      sending_.push_front(std::move(sending));
      return;
    }
    if (sending.next < count) sending_.push_back(std::move(sending));
  }
}

void Publisher::ExchangeTop(Connection* connection) {
  std::optional<TopAnswer> answer = connection->TakeTop();
  const std::lock_guard lock(mutex_);
  if (answer) {
    top_ = {.answer = *std::move(answer), .time = Clock::now()};
    top_changed_.notify_all();
  }
  if (top_.is_wanted && !connection->is_over()) connection->AskForTop();
}

}  // namespace dedup::sidecar
