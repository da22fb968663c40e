#include "tests/bench/mqtt_load.h"

#include <algorithm>
#include <stdexcept>

namespace dedup::bench {
namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr std::size_t kMessagesPerPing = 50;

}  // namespace

Script::Script(const Workload& workload, std::size_t messages) : workload_(workload) {
  using IdPlace = Workload::IdPlace;
  IdSource ids(workload.ids);
  const std::string repeated_id = ids.Next();
  for (std::size_t number = 0; number < messages; ++number) {
    const bool duplicate = number != 0 && static_cast<int>(random_() % 100) < workload.duplicates_percent;
    const std::string id = duplicate || number == 0 ? repeated_id : ids.Next();
    packets_.push_back(EncodePublish(
        {.version = workload.version,
         .qos = workload.qos,
         .packet_id = static_cast<unsigned>(number / workload.publishers % 65535) + 1,
         .topic = "sensor/1",
         .user_property_id = workload.id_place == IdPlace::kUserProperty ? id : "",
         .payload = MakeEvent(workload.id_place == IdPlace::kJson ? id : "", number, workload.payload_bytes)}));
    is_duplicate_.push_back(duplicate);
  }
}

void Script::RenewIds() {
  constexpr std::string_view kBeforeId = "\"event_id\":\"";
  constexpr std::size_t kHexDigits = 8;          // what a UUID begins with
  constexpr std::uint32_t kOdd = 2'654'435'761;  // a product with it spreads numbers, and differs where they do
  ++lap_;
  for (std::size_t number = 0; number < packets_.size(); ++number) {
    std::string& packet = packets_[number];
    char* const id = packet.data() + packet.find(kBeforeId) + kBeforeId.size();
    // Not by chance: in a long run some packet would get an id that it had before.
    std::uint32_t bits = (lap_ + static_cast<std::uint32_t>(number)) * kOdd;
    for (std::size_t i = 0; i < kHexDigits; ++i, bits >>= 4) id[i] = "0123456789abcdef"[bits & 0xF];
  }
}

std::size_t Script::CountUnique(std::size_t begin, std::size_t end) const {
  const auto at = [this](std::size_t number) { return is_duplicate_.begin() + static_cast<std::ptrdiff_t>(number); };
  return static_cast<std::size_t>(std::count(at(begin), at(end), false));
}

Load::Load(std::uint16_t port, const Script& script, bool dedups)
    : script_(script), dedups_(dedups), sent_at_(script.size()) {
  const auto connect = [&](const std::string& client_id) {
    const int fd = TryConnect(port);
    if (fd < 0) Fail("connect");
    auto connection = std::make_unique<Connection>(fd);
    connection->out = EncodeConnect(script.workload().version, client_id);
    return connection;
  };
  subscriber_ = connect("subscriber");
  subscriber_->out += EncodeSubscribe(script.workload().version, "#", script.workload().qos);
  for (std::size_t i = 0; i < script.workload().publishers; ++i) {
    publishers_.emplace_back().connection = connect("publisher-" + std::to_string(i));
  }
  while (!subscribed_) Await();
}

double Load::Saturate(std::size_t end, Waiting waiting) {
  waiting_ = waiting;
  const std::size_t begin = sent_;
  const SteadyClock::time_point start = SteadyClock::now();
  // Shared among them; but at QoS 0 only what stands before a ping is ever acknowledged.
  const std::size_t in_flight =
      script_.workload().qos == 0 ? 2 * kMessagesPerPing : std::max<std::size_t>(kInFlight / publishers_.size(), 2);
  for (;;) {
    while (sent_ < end && publishers_[sent_ % publishers_.size()].unacknowledged < in_flight) Send();
    if (sent_ == end) break;
    Await();
  }
  AwaitAcknowledgements();
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  AwaitDeliveries(begin, end);
  return seconds;
}

std::vector<double> Load::Pace(std::size_t end, double messages_per_s) {
  waiting_ = Waiting::kAsleep;
  const std::size_t begin = sent_;
  std::vector<double> latencies_ms;
  latencies_ms.reserve(end - begin);
  latencies_ms_ = &latencies_ms;
  const SteadyClock::time_point start = SteadyClock::now();
  while (sent_ < end) {
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
    const std::size_t due = begin + static_cast<std::size_t>(seconds * messages_per_s);
    while (sent_ < std::min(due, end)) Send();
    Turn(std::chrono::microseconds(50));
  }
  AwaitAcknowledgements();
  AwaitDeliveries(begin, end);
  latencies_ms_ = nullptr;
  std::sort(latencies_ms.begin(), latencies_ms.end());
  return latencies_ms;
}

void Load::Send() {
  Publisher& publisher = publishers_[sent_ % publishers_.size()];
  publisher.connection->out += script_.packet(sent_);
  ++publisher.unacknowledged;
  if (script_.workload().qos == 0 && ++publisher.behind_last_ping == kMessagesPerPing) Ping(publisher);
  sent_at_[sent_] = SteadyClock::now();
  ++sent_;
}

// QoS 0 has no acknowledgement; but the broker answers a ping after it has handled what came before.
void Load::Ping(Publisher& publisher) {
  publisher.connection->out += EncodePingReq();
  publisher.pings.push_back(publisher.behind_last_ping);
  publisher.behind_last_ping = 0;
}

void Load::AwaitAcknowledgements() {
  for (Publisher& publisher : publishers_) {
    if (publisher.behind_last_ping != 0) Ping(publisher);
  }
  while (std::ranges::any_of(publishers_, [](const Publisher& publisher) { return publisher.unacknowledged != 0; })) {
    Await();
  }
}

void Load::AwaitDeliveries(std::size_t begin, std::size_t end) {
  const std::size_t expected = dedups_ ? script_.CountUnique(begin, end) : end - begin;
  while (delivered_ < expected) Await();
  if (delivered_ != expected) {
    throw std::runtime_error(std::to_string(delivered_) + " deliveries of " + std::to_string(expected));
  }
  delivered_ = 0;
}

void Load::Await() {
  const SteadyClock::time_point deadline = SteadyClock::now() + kPatience;
  while (!Turn(waiting_ == Waiting::kAwake ? std::chrono::microseconds(0) : kPatience)) {
    if (SteadyClock::now() >= deadline) throw std::runtime_error("the broker is silent");
  }
}

// Returns whether something came.
bool Load::Turn(std::chrono::microseconds timeout) {
  std::vector<pollfd>& polls = polls_;
  polls.assign({subscriber_->Poll()});
  for (const Publisher& publisher : publishers_) polls.push_back(publisher.connection->Poll());
  const timespec wait{timeout.count() / 1'000'000, timeout.count() % 1'000'000 * 1000};
  if (ppoll(polls.data(), polls.size(), &wait, nullptr) <= 0) return false;
  if (polls[0].revents & POLLIN) subscriber_->Read([this](const Packet& packet) { OnDelivery(packet); });
  subscriber_->Write();
  for (std::size_t i = 0; i < publishers_.size(); ++i) {
    Publisher& publisher = publishers_[i];
    if (polls[i + 1].revents & POLLIN) {
      publisher.connection->Read([&](const Packet& packet) { OnAnswer(publisher, packet); });
    }
    publisher.connection->Write();
  }
  return true;
}

void Load::OnDelivery(const Packet& packet) {
  if (packet.type == kSubAck) subscribed_ = true;
  if (packet.type == kPubRel) subscriber_->out += EncodeAcknowledgement(kPubComp, packet.body);
  if (packet.type != kPublish) return;
  ++delivered_;
  if (packet.qos != 0) {
    subscriber_->out += EncodeAcknowledgement(packet.qos == 1 ? kPubAck : kPubRec, packet.PublishedId());
  }
  if (latencies_ms_ == nullptr) return;
  const std::size_t number = NumberOf(packet.body);
  if (number >= sent_) throw std::runtime_error("a delivery of what was not sent");
  if (script_.is_duplicate(number)) return;
  latencies_ms_->push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - sent_at_[number]).count());
}

void Load::OnAnswer(Publisher& publisher, const Packet& packet) {
  if (packet.type == kPubRec) publisher.connection->out += EncodeAcknowledgement(kPubRel, packet.body);
  if (packet.type == kPubAck || packet.type == kPubComp) --publisher.unacknowledged;
  if (packet.type == kPingResp) {
    publisher.unacknowledged -= publisher.pings.front();
    publisher.pings.pop_front();
  }
}

}  // namespace dedup::bench
