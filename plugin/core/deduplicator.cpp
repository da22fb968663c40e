#include "plugin/core/deduplicator.h"

#include <chrono>
#include <exception>
#include <utility>

#include "plugin/core/text/topic_filter.h"

namespace dedup {
namespace {

constexpr std::int64_t kRetryInterval_ms = 2000;

constexpr std::size_t kTopicBytesMax = 65535;  // MQTT 3.1.1, section 1.5.3; and what a record has room for

std::string StartLine(const Options& options, const OpenDirectory& directory,
                      std::chrono::steady_clock::duration took) {
  const std::uint64_t unstored = directory.unstored_at_start();
  return "mosquitto-dedup " DEDUP_VERSION ": " + std::to_string(directory.event_count()) + " event ids in " +
         options.data_dir.string() + ", ready after " +
         std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) + " ms" +
         (unstored == 0 ? "" : "; the newest " + std::to_string(unstored) + " events are being stored");
}

// The broker asks the plugin before it matches a retransmitted QoS 2 publish with the message that it holds, so all
// copies must become equal: each is replaced, and the first is handed on by the plugin.
Action ActionFor(Verdict verdict, std::uint8_t qos) {
  switch (verdict) {
    case Verdict::kProcessed:
      return qos == 2 ? Action::kHandOnAndReplace : Action::kLetThrough;
    case Verdict::kDuplicate:
      return Action::kReplace;
    case Verdict::kPassed:
      return Action::kLetThrough;
    case Verdict::kRefused:
      break;
  }
  return Action::kRefuse;
}

// Another directory to start the broker in would be another data directory, and every id forgotten.
Options WithAbsoluteDataDir(Options options, LogQueue& log) {
  if (options.data_dir.is_absolute()) return options;
  const std::string given = options.data_dir.string();
  options.data_dir = std::filesystem::absolute(options.data_dir);
  log.Add(LogLevel::kWarning,
          "plugin_opt_data_dir " + given +
              " is no absolute path, so it depends on where the broker is started; this time it is " +
              options.data_dir.string());
  return options;
}

}  // namespace

Deduplicator::Deduplicator(const Options& options)
    : options_(WithAbsoluteDataDir(options, log_)), all_topics_(options.topics == Options{}.topics) {
  const auto start = std::chrono::steady_clock::now();
  try {
    Open(Recover(options_, log_));
    log_.Add(LogLevel::kNotice,
             StartLine(options_, std::get<OpenDirectory>(directory_), std::chrono::steady_clock::now() - start));
  } catch (const DataDirInUse&) {
    throw;
  } catch (const std::exception& error) {
    Retry(error.what());
  }
}

void Deduplicator::Open(Recovered recovered) {
  const ClosedDirectory::Meanwhile meanwhile = std::get<ClosedDirectory>(directory_).meanwhile();
  try {
    directory_.emplace<OpenDirectory>(std::move(recovered), options_, log_, meanwhile);
  } catch (...) {  // no thread to be had
    directory_.emplace<ClosedDirectory>(meanwhile);
    throw;
  }
}

void Deduplicator::Retry(const std::string& trouble) {
  try {
    std::get<ClosedDirectory>(directory_).Retry(options_, log_, trouble);
  } catch (const std::exception& error) {  // no thread to be had: OnTurn tries to make one
    next_retry_ms_ = MonotonicMs() + kRetryInterval_ms;
    if (no_thread_log_.Allow(MonotonicMs())) {
      log_.Add(LogLevel::kError, "events cannot be stored: " + trouble + "; and no thread can be made to try again: " +
                                     error.what() + " (said once a minute)");
    }
  }
}

Decision Deduplicator::OnPublish(const Publish& publish) {
  return std::visit([&](auto& directory) { return Decide(directory, publish); }, directory_);
}

// Which id a publish has decides whether it is an event at all; the directory decides about events.
template <class Directory>
Decision Deduplicator::Decide(Directory& directory, const Publish& publish) {
  KeyHash key;
  const EventId id = IdOf(directory, publish, &key);
  if (id.status != EventIdStatus::kFound) return Pass(directory, publish, id.status);
  const char* why_refused;
  const Outcome outcome = directory.Take(publish, id.text, key, &why_refused);
  if (outcome.verdict == Verdict::kRefused) return Refuse(directory, publish, id.text, why_refused);
  return {outcome, id.text, ActionFor(outcome.verdict, publish.qos)};
}

template <class Directory>
EventId Deduplicator::IdOf(const Directory& directory, const Publish& publish, KeyHash* key) {
  if (!IsDeduplicated(publish.topic)) return {};
  const auto begin_look_up = [&](const EventId& id) {
    if (id.status == EventIdStatus::kFound) *key = directory.BeginLookUp(publish.topic, id.text);
  };
  if (publish.id_property) {
    const EventId id = CheckEventId(*publish.id_property);
    begin_look_up(id);
    return id;
  }
  // What the index will look at is on its way from memory while the rest of the payload is checked.
  EventIdSearch search(publish.payload, options_.id_member, id_buffer_);
  begin_look_up(search.candidate());
  return search.Finish();
}

bool Deduplicator::IsDeduplicated(std::string_view topic) const {
  // Longer than MQTT allows can be only what a mount point or a bridge's prefix made longer.
  if (topic.starts_with('$') || topic.size() > kTopicBytesMax) return false;
  return all_topics_ || MatchesAny(topic, options_.topics);
}

template <class Directory>
Decision Deduplicator::Pass(Directory& directory, const Publish& publish, EventIdStatus id) {
  directory.NoteRetained(publish);
  directory.Count(&Counters::passed);
  if (id == EventIdStatus::kInvalid) {
    directory.Count(&Counters::invalid_ids);
    if (invalid_id_log_.Allow(MonotonicMs())) {
      log_.Add(LogLevel::kWarning,
               "a publish with an unusable event id was passed on as no event: an id is a string of 1 to " +
                   std::to_string(kEventIdBytesMax) + " bytes or an integer (said once a minute)");
    }
  }
  return {};
}

template <class Directory>
Decision Deduplicator::Refuse(Directory& directory, const Publish& publish, std::string_view event_id,
                              const char* why) {
  const bool pass = options_.on_store_failure == OnStoreFailure::kPass;
  directory.Count(pass ? &Counters::unstored : &Counters::refused);
  if (refused_log_.Allow(MonotonicMs())) {
    log_.Add(LogLevel::kError,
             std::string("an event could not be stored: ") + why +
                 (pass ? "; it was handed on without deduplication" : "; its publisher was disconnected") +
                 " (said once a minute)");
  }
  if (!pass) return {{Verdict::kRefused, 0}, event_id, Action::kRefuse};
  directory.NoteRetained(publish);
  return {};
}

void Deduplicator::OnHandOnFailed(const Publish& publish, const Decision& decision) {
  std::get<OpenDirectory>(directory_).OnHandOnFailed(MakeEvent(publish, decision.event_id, decision.seq, {}));
}

void Deduplicator::OnHandOnFailed(EventInDoubt event) {
  std::get<OpenDirectory>(directory_).OnHandOnFailed(std::move(event));
}

void Deduplicator::OnTurn() {
  if (auto* const open = std::get_if<OpenDirectory>(&directory_)) return open->OnTurn();
  auto& closed = std::get<ClosedDirectory>(directory_);
  if (!closed.is_retried()) {
    if (MonotonicMs() >= next_retry_ms_) Retry(closed.trouble());
    return;
  }
  std::optional<Recovered> recovered = closed.TakeRecovered();
  if (!recovered) return;
  try {
    Open(std::move(*recovered));
  } catch (const std::exception& error) {
    return Retry(error.what());
  }
  log_.Add(LogLevel::kNotice, "events are stored again, " +
                                  std::to_string(std::get<OpenDirectory>(directory_).event_count()) + " event ids in " +
                                  options_.data_dir.string());
}

void Deduplicator::Stop() {
  if (auto* const open = std::get_if<OpenDirectory>(&directory_)) open->OnStop();
  directory_.emplace<ClosedDirectory>();
}

bool Deduplicator::wants_turn() const {
  return !log_.empty() || std::visit([](const auto& directory) { return directory.wants_turn(); }, directory_);
}

std::optional<EventInDoubt> Deduplicator::TakeOverdue() {
  return std::visit([](auto& directory) { return directory.TakeOverdue(); }, directory_);
}

std::string Deduplicator::trouble() const {
  return std::visit([](const auto& directory) { return directory.trouble(); }, directory_);
}

std::optional<Statistics> Deduplicator::statistics() const {
  return std::visit([](const auto& directory) { return directory.statistics(); }, directory_);
}

}  // namespace dedup
