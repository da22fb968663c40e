// Load on a broker: publishers and one subscriber on raw sockets, in one thread, with packets that are encoded before.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/bench/events.h"
#include "tests/bench/packets.h"
#include "tests/bench/sockets.h"

namespace dedup::bench {

/// What is published.
struct Workload {
  int qos = 1;
  int duplicates_percent = 0;  ///< of all messages; they repeat the first event's id
  std::size_t payload_bytes = 200;
  std::size_t publishers = 1;
  IdKind ids = IdKind::kUuidV4;
  MqttVersion version = MqttVersion::k311;
  enum class IdPlace { kJson, kUserProperty, kNone } id_place = IdPlace::kJson;
  /// The text of the plugin's rules file; without one it has no such option.
  std::string rules = {};
  /// Whether the plugin is to find a key in each message.
  bool are_events = true;
};

/// The messages of a workload, as packets.
class Script {
 public:
  Script(const Workload& workload, std::size_t messages);

  const Workload& workload() const { return workload_; }
  std::size_t size() const { return packets_.size(); }
  const std::string& packet(std::size_t number) const { return packets_[number]; }
  bool is_duplicate(std::size_t number) const { return is_duplicate_[number]; }
  /// Gives every event another id, for one more lap. For UUIDs in JSON, without duplicates.
  void RenewIds();
  /// Of the messages in [begin, end).
  std::size_t CountUnique(std::size_t begin, std::size_t end) const;

 private:
  Workload workload_;
  std::vector<std::string> packets_;
  std::vector<bool> is_duplicate_;
  std::mt19937_64 random_{2};
  std::uint32_t lap_ = 0;
};

/// Publishes parts of a script, each until every message is acknowledged and delivered. Errors: std::runtime_error
/// when the broker closes a connection, is silent for 30 s, or delivers more or less than it should.
class Load {
 public:
  /// `dedups`: whether duplicates are to be missing among the deliveries.
  Load(std::uint16_t port, const Script& script, bool dedups);

  /// Back to the script's beginning.
  void Rewind() { sent_ = 0; }

  /// How to wait for the broker. Asleep, each packet that comes costs the broker waking this thread up, unless it is
  /// late and was not asleep yet; so that is not for comparing what a packet costs.
  enum class Waiting { kAsleep, kAwake };

  /// The messages up to `end`, so many unacknowledged that the broker always has work. Returns the seconds until the
  /// last acknowledgement.
  double Saturate(std::size_t end, Waiting waiting);

  /// The messages up to `end`, so many a second, whatever the broker does. Returns the latencies of the events'
  /// deliveries (duplicates aside), in ms, sorted.
  std::vector<double> Pace(std::size_t end, double messages_per_s);

 private:
  using SteadyClock = std::chrono::steady_clock;
  static constexpr std::size_t kInFlight = 100;

  struct Publisher {
    std::unique_ptr<Connection> connection;
    std::size_t unacknowledged = 0;
    std::size_t behind_last_ping = 0;
    std::deque<std::size_t> pings;  ///< at QoS 0: how many messages stand before each unanswered ping
  };

  void Send();
  static void Ping(Publisher& publisher);
  void AwaitAcknowledgements();
  void AwaitDeliveries(std::size_t begin, std::size_t end);
  void Await();
  bool Turn(std::chrono::microseconds timeout);
  void OnDelivery(const Packet& packet);
  static void OnAnswer(Publisher& publisher, const Packet& packet);

  const Script& script_;
  const bool dedups_;
  std::vector<Publisher> publishers_;
  std::unique_ptr<Connection> subscriber_;
  Waiting waiting_ = Waiting::kAsleep;
  bool subscribed_ = false;
  std::size_t sent_ = 0;
  std::size_t delivered_ = 0;
  std::vector<SteadyClock::time_point> sent_at_;
  std::vector<double>* latencies_ms_ = nullptr;
  std::vector<pollfd> polls_;
};

}  // namespace dedup::bench
