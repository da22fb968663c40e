// What each endpoint answers, without a word of HTTP but the status: the base contract of the sidecar.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "event_reader.h"
#include "journal_gate.h"
#include "publisher.h"
#include "reader_pool.h"

namespace dedup::sidecar {

/// `body` is a JSON text.
struct Answer {
  int status;
  std::string body;
};

/// {"detail": detail}
Answer ErrorAnswer(int status, std::string_view detail);

/// The stored events of one topic, or of all, up to the newest at the time of the request, as a JSON array that is
/// written piece by piece.
///
/// Memory: some 2 MiB, or a few times one event if that is more. No read transaction is open between two pieces.
/// Threading: one thread at a time. The pool must outlive it.
class EventListing {
 public:
  /// `topic` empty means all.
  EventListing(ReaderPool* readers, std::string topic, std::uint64_t up_to_seq);

  /// Appends the next piece. False when that was the last one.
  /// Errors: StorageError; then what was written so far is not the whole list.
  bool AppendNext(std::string* out);

 private:
  ReaderPool* readers_;
  std::string topic_;
  std::uint64_t after_seq_ = 0;
  std::uint64_t up_to_seq_;
  std::size_t page_size_;
  bool is_first_ = true;
};

/// The beginning of a listing, and where to read on; no rest when that was all.
struct EventsAnswer {
  std::string beginning;
  std::optional<EventListing> rest;
};

/// Threading: every member from any thread. Errors: none are thrown but std::bad_alloc; a broker or store that is away
/// is a 503.
class Api {
 public:
  /// The publisher must outlive it.
  Api(std::filesystem::path data_dir, Publisher* publisher);

  Answer Publish(std::string body);
  std::variant<EventsAnswer, Answer> Events(std::string topic);
  Answer Stats();
  Answer Health();
  static Answer Service();

 private:
  Statistics ReadStatistics();
  std::optional<Statistics> AwaitStored();

  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  ReaderPool readers_;
  Publisher* const publisher_;
  JournalGate journal_gate_;
};

}  // namespace dedup::sidecar
