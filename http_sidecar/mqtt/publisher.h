// Publishes events over MQTT and learns from the plugin's receipts what became of each.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "http_sidecar/mqtt/batch.h"
#include "http_sidecar/mqtt/broker_access.h"
#include "http_sidecar/mqtt/delivery.h"
#include "http_sidecar/mqtt/questions.h"
#include "plugin/core/contract/control.h"
#include "plugin/core/event/outcome.h"

namespace dedup::sidecar {

class MqttConnection;
struct Session;

/// One connection to the broker for all requests, made anew for ever whenever it is lost.
///
/// All calls of libmosquitto are made on one thread of this class's own, so no lock is held across a system call, and
/// receipts can be told apart by their order alone.
/// Threading: Publish(), Ask() and Trouble() from any thread.
class Publisher {
 public:
  /// Starts to connect at once, in the background.
  explicit Publisher(BrokerAccess broker);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Publishes all events of the batch, in order, and waits for what becomes of them, which is in the same order.
  ///
  /// Problems: 4xx when an event is nothing that this broker and its plugin would take (nothing was published then,
  /// unless it was the broker's access control that refused it); 503 when there is no connection within 1.5 s, it is
  /// lost, or no receipt comes for 10 s. Publishing the same batch again is always safe.
  std::variant<std::vector<Outcome>, Problem> Publish(std::shared_ptr<const Batch> batch);

  /// The plugin's answer to a command; one that came up to `age_max` ago will do, with 0 it must be a new one.
  /// Problems: 413 when it is larger than the broker takes; 503 when there is no connection within 1.5 s, or no answer
  /// within 2 s more.
  std::variant<CommandAnswer, Problem> Ask(const PluginCommand& command, std::chrono::steady_clock::duration age_max);

  /// Empty while events can be published, otherwise why they cannot.
  std::string Trouble() const;

  /// Ends the connection; what waits fails with 503. Called by the destructor too.
  void Stop();

 private:
  struct Sending;

  std::shared_ptr<const Session> AwaitSession();
  bool Submit(std::shared_ptr<Delivery> delivery);
  void Wake() const;

  // On the publisher's thread:
  void Run();
  bool ServeOnce();
  bool Serve(const std::string& address);
  void Pause(std::chrono::milliseconds delay);
  void ShareSession(const MqttConnection& connection);
  void EndSession(const std::string& reason);
  void TakeSubmitted();
  void TakeSized(MqttConnection* connection);
  void SendSome(MqttConnection* connection);
  void SendAllThereIsRoomFor(MqttConnection* connection);
  void ExchangeQuestions(MqttConnection* connection);
  void Complain(const std::string& trouble);

  const BrokerAccess broker_;
  const int wake_fd_;
  // The publisher's thread's:
  std::uint64_t session_count_ = 0;
  bool has_ended_asking_ = false;                   // about a payload's size; the last session
  std::vector<std::shared_ptr<Delivery>> unsized_;  // these wait for such an answer
  std::deque<Sending> sending_;
  std::atomic<bool> stopping_ = false;

  mutable std::mutex mutex_;
  std::condition_variable session_changed_;
  std::shared_ptr<const Session> session_;            // guarded by mutex_; null while there is no connection
  std::string trouble_;                               // guarded by mutex_
  std::vector<std::shared_ptr<Delivery>> submitted_;  // guarded by mutex_
  Questions questions_;

  std::thread thread_;
};

}  // namespace dedup::sidecar
