#include "plugin/core/deduplicator.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <stdexcept>
#include <utility>

#include "plugin/core/text/topic_filter.h"

namespace dedup {
namespace {

// A part of the index is swept within some tens of microseconds, and so often a window's keys are out of it in time.
constexpr std::int64_t kSweepInterval_ms = 1;

constexpr std::size_t kTopicBytesMax = 65535;  // MQTT 3.1.1, section 1.5.3; and what a record has room for

// What is copied in about the time that memory takes to answer.
constexpr std::size_t kEarlyRecordBytesMax = 1024;

constexpr char kUnsynced[] = "the journal could not be synced";

std::string StartLine(const Options& options, std::uint64_t events, std::uint64_t unstored,
                      std::chrono::steady_clock::duration took) {
  return "mosquitto-dedup " DEDUP_VERSION ": " + std::to_string(events) + " event ids in " + options.data_dir.string() +
         ", ready after " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) +
         " ms" + (unstored == 0 ? "" : "; the newest " + std::to_string(unstored) + " events are being stored");
}

}  // namespace

Deduplicator::Deduplicator(const Options& options)
    : options_(options), all_topics_(options.topics == Options{}.topics) {
  const auto start = std::chrono::steady_clock::now();
  try {
    Open(Recover(options_, log_));
    log_.Add(LogLevel::kNotice,
             StartLine(options_, index_->size(), recovered_->unstored, std::chrono::steady_clock::now() - start));
  } catch (const DataDirInUse&) {
    throw;
  } catch (const std::exception& error) {
    pending_.emplace(options_, log_, error.what());
  }
}

void Deduplicator::Open(Recovered recovered) {
  recovered_.emplace(std::move(recovered));
  Journal& journal = *recovered_->journal;
  secret_ = journal.header().secret;
  recovered_seq_ = accepted_seq_ = turn_seq_ = handed_on_seq_ = journal.accepted_seq();
  const std::int64_t due_ms = recovered_->clock->Now().age_ms + options_.recovery_delay.count();
  for (EventInDoubt& event : recovered_->in_doubt) {
    // Which topics have a newer retained message by now is not known; none must be replaced by an older one.
    if (retained_before_open_) event.retain = false;
    in_doubt_.Add(std::move(event), due_ms);
  }
  recovered_->in_doubt.clear();
  try {
    syncer_.emplace(journal, log_, options_.fsync_interval);
    prefaulter_.emplace(journal, recovered_->index);
    writer_.emplace(journal, *recovered_->store, *recovered_->keys, *recovered_->clock, log_, options_,
                    recovered_->state);
  } catch (...) {  // no thread to be had: the directory must be free for the next attempt
    prefaulter_.reset();
    syncer_.reset();
    in_doubt_ = {};
    recovered_.reset();
    throw;
  }
  journal.Add(std::exchange(unsaved_, {}));
  index_ = &recovered_->index;
  journal_ = &journal;
}

void Deduplicator::OpenIfRecovered() {
  std::optional<Recovered> recovered = pending_->Take();
  if (!recovered) return;
  try {
    Open(std::move(*recovered));
  } catch (const std::exception& error) {
    pending_.emplace(options_, log_, error.what());
    return;
  }
  pending_.reset();
  log_.Add(LogLevel::kNotice, "events are stored again, " + std::to_string(index_->size()) + " event ids in " +
                                  options_.data_dir.string());
}

// The hot path: every publish of every client runs through here.
Decision Deduplicator::OnPublish(const Publish& publish) {
  KeyHash key;
  const EventId id = IdOf(publish, &key);
  if (id.status != EventIdStatus::kFound) return Pass(publish, id.status);

  if (journal_ == nullptr) return Refuse(publish, id.text, "the data directory cannot be used");

  const Event event = MakeEvent(publish, id.text, accepted_seq_ + 1);
  // The index's slot is still on its way from memory: a short record is written meanwhile, also for a duplicate.
  const bool is_early = RecordBytes(event) <= kEarlyRecordBytesMax;
  bool is_prepared = is_early && journal_->Prepare(event);

  if (const auto seq = FindRemembered(key)) {
    if (!MayAcknowledge()) return Refuse(publish, id.text, kUnsynced);
    if (!in_doubt_.empty() && in_doubt_.IsWaiting(*seq)) return HandOnInDoubt(publish, id.text, *seq);
    Count(&Counters::duplicates);
    return {{Verdict::kDuplicate, *seq}, id.text};
  }

  if (!is_early) is_prepared = journal_->Prepare(event);
  if (!is_prepared || !Accept(event, key)) return Refuse(publish, id.text, WhyNotAppended(event));
  writer_->Notify();
  prefaulter_->Notify();
  NoteRetained(publish, event.seq);
  return {{Verdict::kProcessed, event.seq}, id.text};
}

// What the store has given up is forgotten from that moment on, not from the next turn.
std::optional<std::uint64_t> Deduplicator::FindRemembered(const KeyHash& key) {
  index_->ForgetUpTo(writer_->forgotten_seq());
  return index_->Find(key);
}

// With fsync_interval 0 an acknowledgement, of a duplicate too, says that the event is on the disk.
bool Deduplicator::MayAcknowledge() const { return options_.fsync_interval.count() != 0 || journal_->healthy(); }

Event Deduplicator::MakeEvent(const Publish& publish, std::string_view event_id, std::uint64_t seq) const {
  return {.seq = seq,
          .accepted = recovered_->clock->Now(),
          .qos = publish.qos,
          .retain = publish.retain,
          .topic = publish.topic,
          .event_id = event_id,
          .properties = publish.properties,
          .payload = publish.payload};
}

// Promise P3: the first copy of an event that was perhaps never handed on takes its place.
Decision Deduplicator::HandOnInDoubt(const Publish& publish, std::string_view event_id, std::uint64_t seq) {
  in_doubt_.Claim(seq);
  NoteRetained(publish, seq);
  return {{Verdict::kProcessed, seq}, event_id};
}

EventId Deduplicator::IdOf(const Publish& publish, KeyHash* key) {
  if (!IsDeduplicated(publish.topic)) return {};
  const auto prepare = [&](const EventId& id) {
    if (id.status != EventIdStatus::kFound || index_ == nullptr) return;
    *key = HashKey(secret_, publish.topic, id.text);
    index_->Prefetch(*key);
  };
  if (publish.id_property) {
    const EventId id = CheckEventId(*publish.id_property);
    prepare(id);
    return id;
  }
  // What the index will look at is on its way from memory while the rest of the payload is checked.
  EventIdSearch search(publish.payload, options_.id_member, id_buffer_);
  prepare(search.candidate());
  return search.Finish();
}

bool Deduplicator::IsDeduplicated(std::string_view topic) const {
  // Longer than MQTT allows can be only what a mount point or a bridge's prefix made longer.
  if (topic.starts_with('$') || topic.size() > kTopicBytesMax) return false;
  return all_topics_ || MatchesAny(topic, options_.topics);
}

// What the journal has prepared becomes an event.
bool Deduplicator::Accept(const Event& event, const KeyHash& key) {
  try {
    index_->Reserve(key, event.seq);
  } catch (const std::exception&) {  // no memory, or no seq left for the index
    return false;
  }
  journal_->Commit();
  index_->Insert(key, event.seq);
  accepted_seq_ = event.seq;
  if (options_.fsync_interval.count() != 0) return true;
  try {
    journal_->Sync();
    return true;
  } catch (const StorageError&) {
    // It is in the journal all the same and will be stored.
    if (options_.on_store_failure == OnStoreFailure::kPass) return true;
    // Its publisher, not being acknowledged, sends it again: that copy is the one to hand on.
    OnHandOnFailed(EventInDoubt(event));
    return false;
  }
}

void Deduplicator::NoteRetained(const Publish& publish, std::uint64_t seq) {
  if (!publish.retain) return;
  if (journal_ == nullptr) {
    retained_before_open_ = true;
  } else if (!in_doubt_.empty()) {
    in_doubt_.OnRetained(publish.topic, seq);
  }
}

Decision Deduplicator::Pass(const Publish& publish, EventIdStatus id) {
  NoteRetained(publish, accepted_seq_ + 1);
  Count(&Counters::passed);
  if (id == EventIdStatus::kInvalid) {
    Count(&Counters::invalid_ids);
    if (invalid_id_log_.Allow(MonotonicMs())) {
      log_.Add(LogLevel::kWarning,
               "a publish with an unusable event id was passed on as no event: an id is a string of 1 to " +
                   std::to_string(kEventIdBytesMax) + " bytes or an integer (said once a minute)");
    }
  }
  return {};
}

const char* Deduplicator::WhyNotAppended(const Event& event) const {
  if (RecordBytes(event) > journal_->record_bytes_max()) return "it is larger than journal_size";
  if (!journal_->healthy()) return kUnsynced;
  return "the journal is full (the store does not keep up, or fails), or memory is";
}

Decision Deduplicator::Refuse(const Publish& publish, std::string_view event_id, const char* why) {
  const bool pass = options_.on_store_failure == OnStoreFailure::kPass;
  Count(pass ? &Counters::unstored : &Counters::refused);
  if (refused_log_.Allow(MonotonicMs())) {
    log_.Add(LogLevel::kError,
             std::string("an event could not be stored: ") + why +
                 (pass ? "; it was handed on without deduplication" : "; its publisher was disconnected") +
                 " (said once a minute)");
  }
  if (!pass) return {{Verdict::kRefused, 0}, event_id};
  NoteRetained(publish, accepted_seq_ + 1);
  return {};
}

void Deduplicator::Count(std::uint64_t Counters::*counter) {
  if (journal_ != nullptr) {
    journal_->Count(counter);
  } else {
    ++(unsaved_.*counter);
  }
}

void Deduplicator::OnHandOnFailed(const Publish& publish, const Decision& decision) {
  OnHandOnFailed(EventInDoubt(MakeEvent(publish, decision.event_id, decision.seq)));
}

void Deduplicator::OnHandOnFailed(EventInDoubt event) {
  in_doubt_.Add(std::move(event), recovered_->clock->Now().age_ms + options_.recovery_delay.count());
}

void Deduplicator::OnHandOnLost(const Outcome& outcome) {
  in_doubt_.Drop(outcome.seq);  // so that no note says that it was handed on
  handed_on_seq_max_ = std::min(handed_on_seq_max_, outcome.seq - 1);
  log_.AddMade(LogLevel::kError, [&] {
    return "no memory to hand on event " + std::to_string(outcome.seq) +
           "; restart the broker, which then hands it on, before the journal is full";
  });
}

void Deduplicator::OnTurn() {
  if (pending_) {
    OpenIfRecovered();
    return;
  }
  // What had been accepted before the last turn began is queued to its subscribers by now, on every broker version.
  std::uint64_t handed_on_seq = turn_seq_;
  turn_seq_ = accepted_seq_;
  if (!in_doubt_.empty()) {
    in_doubt_.OnTurn();
    while (const auto seq = in_doubt_.NextHandedOn()) {
      // Without room in the journal, again at the next turn; what was accepted in this run needs no note.
      if (*seq <= recovered_seq_ && !journal_->AppendHandedOn(*seq)) break;
      in_doubt_.RemoveHandedOn();
    }
    if (const auto oldest = in_doubt_.OldestAbove(recovered_seq_)) handed_on_seq = std::min(handed_on_seq, *oldest - 1);
  }
  handed_on_seq = std::min(handed_on_seq, handed_on_seq_max_);
  if (handed_on_seq > handed_on_seq_) {
    handed_on_seq_ = handed_on_seq;
    journal_->SetHandedOnSeq(handed_on_seq);
  }
  index_->ForgetUpTo(writer_->forgotten_seq());
  if (index_->wants_sweep()) {
    if (const std::int64_t now_ms = MonotonicMs(); now_ms - last_sweep_ms_ >= kSweepInterval_ms) {
      last_sweep_ms_ = now_ms;
      index_->Sweep();
    }
  }
}

std::optional<EventInDoubt> Deduplicator::TakeOverdue() {
  if (in_doubt_.empty()) return std::nullopt;
  return in_doubt_.TakeOverdue(recovered_->clock->Now().age_ms);
}

}  // namespace dedup
