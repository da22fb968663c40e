#include "http_sidecar/mqtt/publisher.h"

#include <mosquitto.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <iterator>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "http_sidecar/base/hex.h"
#include "http_sidecar/base/stderr_log.h"
#include "http_sidecar/mqtt/mqtt_connection.h"
#include "http_sidecar/mqtt/session.h"

namespace dedup::sidecar {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kReconnectDelayMin{100};
constexpr milliseconds kReconnectDelayMax{2000};
constexpr milliseconds kConnectPatience{3000};  // of an attempt: TCP, CONNACK and the plugin's answer
constexpr milliseconds kSessionPatience{1500};  // of a request that finds no connection
constexpr seconds kDeliveryPatience{60};        // of a request in all; the biggest batches take seconds
constexpr seconds kAnswerPatience{2};

// The first question about a payload's size is for so many bytes at least: most events are smaller.
constexpr std::size_t kFirstAskedBytes = std::size_t{64} << 10;
// What a packet has besides the payload, where that is a command.
constexpr std::size_t kCommandOverheadBytes = 64;

// A batch gives way to the next after so many events, so that a single event does not wait for 100,000 others.
constexpr std::size_t kEventsPerTurn = 32;

// Another one for each connection: whoever connects to the broker under the same id cuts ours.
std::string MakeClientId() { return "mosquitto-dedup-http-" + RandomHex(16); }

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

}  // namespace

/// A delivery of which some events may still have to be sent.
struct Publisher::Sending {
  std::shared_ptr<Delivery> delivery;
  std::size_t next = 0;
};

Publisher::Publisher(BrokerAccess broker) : broker_(std::move(broker)), wake_fd_(MakeEventFd()) {
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

std::variant<CommandAnswer, Problem> Publisher::Ask(const PluginCommand& command, Clock::duration age_max) {
  const auto session = AwaitSession();
  if (!session) return Problem{problems::kBrokerUnavailable, Trouble()};
  const std::size_t bytes = CommandRequest(command, std::to_string(std::numeric_limits<std::uint64_t>::max())).size();
  if (bytes + kCommandOverheadBytes > session->packet_bytes_max || session->TakesPayload(bytes) == false) {
    return Problem{problems::kTooLarge, "the command `" + command.name + "` " + kTooLargeForBroker};
  }
  auto answer = questions_.Ask(command, age_max, kAnswerPatience, [this] { Wake(); });
  if (answer) return *std::move(answer);
  const std::lock_guard lock(mutex_);
  return Problem{problems::kBrokerUnavailable,
                 session_ ? "the broker's plugin did not answer the command `" + command.name + "`"
                          : std::string("the connection to the broker was just lost")};
}

std::shared_ptr<const Session> Publisher::AwaitSession() {
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
  MqttConnection connection(address, broker_, MakeClientId());
  const auto deadline = Clock::now() + kConnectPatience;
  while (!connection.is_ready() && !connection.is_over() && !stopping_) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) {
      connection.End(connection.is_connected() ? kNoPluginAnswers : "it does not answer");
    } else {
      connection.Step(wake_fd_, left);
    }
  }
  if (!connection.is_ready()) {
    Complain("cannot use the broker at " + broker + ": " + connection.end_reason());
    return false;
  }
  ++session_count_;
  ShareSession(connection);
  Log("connected to the broker at " + broker);
  while (!connection.is_over() && !stopping_) {
    TakeSubmitted();
    TakeSized(&connection);
    SendSome(&connection);
    ExchangeQuestions(&connection);
    if (!connection.is_over()) connection.Step(wake_fd_, seconds(1));
    if (connection.TakeNewSettings()) ShareSession(connection);
  }
  if (stopping_) {
    connection.Disconnect();
    connection.End("the sidecar is stopping");
  }
  has_ended_asking_ = connection.asked_payload_bytes().has_value();
  EndSession("lost the broker at " + broker + ": " + connection.end_reason());
  return true;
}

void Publisher::ShareSession(const MqttConnection& connection) {
  auto session = std::make_shared<Session>(connection.session());
  session->number = session_count_;
  const std::lock_guard lock(mutex_);
  session_ = std::move(session);
  trouble_.clear();
  session_changed_.notify_all();
}

void Publisher::EndSession(const std::string& reason) {
  TakeSubmitted();
  for (const Sending& sending : std::exchange(sending_, {})) sending.delivery->Fail(reason);
  for (const auto& delivery : std::exchange(unsized_, {})) delivery->Fail(reason);
  std::vector<std::shared_ptr<Delivery>> late;
  {
    const std::lock_guard lock(mutex_);
    session_ = nullptr;
    late.swap(submitted_);
    session_changed_.notify_all();
  }
  for (const auto& delivery : late) delivery->Fail(reason);
  questions_.Fail();
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
  std::ranges::move(taken, std::back_inserter(unsized_));
}

// Lets those go on whose size the broker is known to take, refuses those that it is known not to take, and has the
// others wait for an answer. To ask about the middle of them halves their number.
void Publisher::TakeSized(MqttConnection* connection) {
  const Session& session = connection->session();
  std::vector<std::size_t> unknown_bytes;
  for (auto& delivery : std::exchange(unsized_, {})) {
    const std::size_t bytes = delivery->payload_bytes_max();
    if (auto problem = session.CheckPayloads(delivery->events())) {
      delivery->Refuse(*std::move(problem));
    } else if (session.TakesPayload(bytes) == true) {
      sending_.push_back({std::move(delivery), 0});
    } else {
      unsized_.push_back(std::move(delivery));
      unknown_bytes.push_back(bytes);
    }
  }
  if (unknown_bytes.empty() || connection->asked_payload_bytes()) return;
  const auto middle = unknown_bytes.begin() + static_cast<std::ptrdiff_t>(unknown_bytes.size() / 2);
  std::ranges::nth_element(unknown_bytes, middle);
  const std::size_t first_asked_bytes = std::min(kFirstAskedBytes, session.packet_bytes_max - kCommandOverheadBytes);
  const bool may_ask_for_more = !has_ended_asking_ && !session.TakesPayload(first_asked_bytes);
  connection->AskAboutPayload(may_ask_for_more ? std::max(*middle, first_asked_bytes) : *middle);
}

void Publisher::SendSome(MqttConnection* connection) {
  if (sending_.empty()) return;
  connection->SetCork(true);
  SendAllThereIsRoomFor(connection);
  connection->SetCork(false);
}

void Publisher::SendAllThereIsRoomFor(MqttConnection* connection) {
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

void Publisher::ExchangeQuestions(MqttConnection* connection) {
  for (CommandAnswer& answer : connection->TakeAnswers()) questions_.Answer(std::move(answer));
  for (const std::string& request : questions_.TakeUnsent()) {
    if (!connection->is_over()) connection->Command(request);
  }
}

}  // namespace dedup::sidecar
