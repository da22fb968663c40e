#include "plugin/core/open_directory.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace dedup {
namespace {

// A part of the index is swept within some tens of microseconds, and so often a window's keys are out of it in time.
constexpr std::int64_t kSweepInterval_ms = 1;

// What is looked up is forgotten in time anyway; this is for the memory.
constexpr std::int64_t kForgetInterval_ms = 10;

// What is copied in about the time that memory takes to answer.
constexpr std::size_t kEarlyRecordBytesMax = 1024;

constexpr char kUnsynced[] = "the journal could not be synced";

}  // namespace

OpenDirectory::OpenDirectory(Recovered recovered, const Options& options, LogQueue& log,
                             const ClosedDirectory::Meanwhile& meanwhile, ConflictLink& conflicts)
    : options_(options),
      log_(log),
      recovered_(std::move(recovered)),
      recovered_seq_(journal().accepted_seq()),
      accepted_seq_(recovered_seq_),
      turn_seq_(recovered_seq_),
      handed_on_seq_(recovered_seq_),
      syncer_(journal(), log_, options_.fsync_interval),
      prefaulter_(journal(), recovered_.index),
      writer_(journal(), *recovered_.store, *recovered_.keys, *recovered_.clock, log_, options_, recovered_.state,
              recovered_.may_be_suspect, conflicts) {
  const std::int64_t due_ms = recovered_.clock->Now().age_ms + options_.recovery_delay.count();
  for (EventInDoubt& event : recovered_.in_doubt) {
    // Which topics have a newer retained message by now is not known; none must be replaced by an older one.
    if (meanwhile.retained) event.retain = false;
    in_doubt_.Add(std::move(event), due_ms);
  }
  recovered_.in_doubt.clear();
  journal().Add(meanwhile.counters);
}

// The hot path: every event of every client runs through here.
Taken OpenDirectory::Take(const Publish& publish, std::string_view event_id, const EventRule& rule,
                          std::int64_t monotonic_us) {
  const auto refuse = [](const char* why) { return Taken{{Verdict::kRefused, 0}, why}; };
  const Event event = MakeEvent(publish, event_id, rule, accepted_seq_ + 1, recovered_.clock->At(monotonic_us));
  // The index's slot is still on its way from memory: a short record is written meanwhile, also for a duplicate.
  const bool is_early = RecordBytes(event) <= kEarlyRecordBytesMax;
  bool is_prepared = is_early && journal().Prepare(event);

  if (const auto seq = FindRemembered(rule.key, event.accepted.age_ms)) {
    if (!MayAcknowledge()) return refuse(kUnsynced);
    if (!in_doubt_.empty() && in_doubt_.IsWaiting(*seq)) return HandOnInDoubt(publish, *seq);
    Count(&Counters::duplicates);
    return {{Verdict::kDuplicate, *seq}};
  }

  if (!is_early) is_prepared = journal().Prepare(event);
  // Before it counts: without memory for this it is no event yet.
  const bool is_behind = !in_doubt_.empty() && in_doubt_.WouldBeOvertaken(publish.topic, event.seq);
  if (is_behind) in_doubt_.Claim(event.seq, false);
  if (!is_prepared || !Accept(event)) {
    in_doubt_.Drop(event.seq);
    return refuse(WhyNotAppended(event));
  }
  writer_.Notify();
  prefaulter_.Notify();
  NoteRetained(publish, event.seq);
  return {{Verdict::kProcessed, event.seq}, nullptr, is_behind};
}

Outcome OpenDirectory::Foretell(const KeyHash& key) {
  const auto seq = FindRemembered(key, recovered_.clock->Now().age_ms);
  if (!seq || in_doubt_.IsWaiting(*seq)) return {Verdict::kProcessed, 0};
  return {Verdict::kDuplicate, *seq};
}

// What the store has given up, or is over by now, is forgotten from that moment on, not from the next turn.
std::optional<std::uint64_t> OpenDirectory::FindRemembered(const KeyHash& key, std::int64_t now_ms) {
  recovered_.index.ForgetUpTo(writer_.forgotten_seq());
  recovered_.windows.Forget(now_ms, &recovered_.index);
  return recovered_.index.Find(key);
}

// With fsync_interval 0 an acknowledgement, of a duplicate too, says that the event is on the disk.
bool OpenDirectory::MayAcknowledge() const {
  return options_.fsync_interval.count() != 0 || recovered_.journal->healthy();
}

// Promise P3: the first copy of an event that was perhaps never handed on takes its place.
Taken OpenDirectory::HandOnInDoubt(const Publish& publish, std::uint64_t seq) {
  const bool is_behind = in_doubt_.WouldBeOvertaken(publish.topic, seq);
  in_doubt_.Claim(seq, publish.qos != 2 && !is_behind);
  NoteRetained(publish, seq);
  return {{Verdict::kProcessed, seq}, nullptr, is_behind};
}

// What the journal has prepared becomes an event.
bool OpenDirectory::Accept(const Event& event) {
  std::uint8_t window_class;
  try {
    recovered_.index.Reserve(event.rule.key, event.seq);
    window_class = recovered_.windows.Note(event.rule.window_ms, event.seq, event.accepted.age_ms);
  } catch (const std::exception&) {  // no memory, or no seq left for the index
    return false;
  }
  journal().Commit();
  recovered_.index.Insert(event.rule.key, event.seq, window_class);
  accepted_seq_ = event.seq;
  if (options_.fsync_interval.count() != 0) return true;
  try {
    journal().Sync();
    return true;
  } catch (const StorageError&) {
    // It is in the journal all the same and will be stored.
    if (options_.on_store_failure == OnStoreFailure::kPass) return true;
    // Its publisher, not being acknowledged, sends it again: that copy is the one to hand on.
    OnHandOnFailed(event);
    return false;
  }
}

void OpenDirectory::NoteRetained(const Publish& publish, std::uint64_t seq) {
  if (publish.retain && !in_doubt_.empty()) in_doubt_.OnRetained(publish.topic, seq);
}

const char* OpenDirectory::WhyNotAppended(const Event& event) {
  if (RecordBytes(event) > journal().record_bytes_max()) return "it is larger than journal_size";
  if (!journal().in_place()) return "a file of the data directory was removed or exchanged";
  if (!journal().healthy()) return kUnsynced;
  return "the journal is full (the store does not keep up, or fails), or memory is";
}

void OpenDirectory::OnHandOnFailed(const Event& event) {
  try {
    KeepInDoubt(EventInDoubt(event));
  } catch (const std::bad_alloc&) {
    LeaveToTheNextStart(event.seq);
  }
}

void OpenDirectory::OnHandOnFailed(EventInDoubt event) {
  const std::uint64_t seq = event.seq;
  try {
    KeepInDoubt(std::move(event));
  } catch (const std::bad_alloc&) {
    LeaveToTheNextStart(seq);
  }
}

void OpenDirectory::KeepInDoubt(EventInDoubt event) {
  in_doubt_.Add(std::move(event), recovered_.clock->Now().age_ms + options_.recovery_delay.count());
}

// There is no memory to hold it. One of an earlier run stays in the table in_doubt by itself.
void OpenDirectory::LeaveToTheNextStart(std::uint64_t seq) {
  in_doubt_.Drop(seq);  // so that no note says that it was handed on
  if (seq > recovered_seq_) handed_on_seq_max_ = std::min(handed_on_seq_max_, seq - 1);
  log_.AddMade(LogLevel::kError, [&] {
    return "no memory to hand on event " + std::to_string(seq) +
           "; restart the broker, which then hands it on, before the journal is full";
  });
}

void OpenDirectory::OnTurn() {
  // What had been accepted before the last turn began is queued to its subscribers by now, on every broker version.
  std::uint64_t handed_on_seq = turn_seq_;
  turn_seq_ = accepted_seq_;
  if (!in_doubt_.empty()) {
    in_doubt_.OnTurn();
    while (const auto seq = in_doubt_.NextHandedOn()) {
      // Without room in the journal, again at the next turn; what was accepted in this run needs no note.
      if (*seq <= recovered_seq_ && !journal().AppendHandedOn(*seq)) break;
      in_doubt_.RemoveHandedOn();
    }
    if (const auto oldest = in_doubt_.OldestAbove(recovered_seq_)) handed_on_seq = std::min(handed_on_seq, *oldest - 1);
  }
  handed_on_seq = std::min(handed_on_seq, handed_on_seq_max_);
  if (handed_on_seq > handed_on_seq_) {
    handed_on_seq_ = handed_on_seq;
    journal().SetHandedOnSeq(handed_on_seq);
  }
  Index& index = recovered_.index;
  index.ForgetUpTo(writer_.forgotten_seq());
  if (!recovered_.windows.empty() || index.wants_sweep()) {
    const std::int64_t now_ms = MonotonicMs();
    if (now_ms - last_forget_ms_ >= kForgetInterval_ms) {
      last_forget_ms_ = now_ms;
      recovered_.windows.Forget(recovered_.clock->Now().age_ms, &index);
    }
    if (index.wants_sweep() && now_ms - last_sweep_ms_ >= kSweepInterval_ms) {
      last_sweep_ms_ = now_ms;
      index.Sweep();
    }
  }
}

// The broker has handed on a QoS 0 or 1 event by the time it asks about the next. One of QoS 2 the plugin hands on, by
// a queue that the broker does not flush when it stops.
bool OpenDirectory::IsHandedOnByStop(const Event& event) const {
  return event.qos != 2 && event.seq <= handed_on_seq_max_ && in_doubt_.OldestAbove(event.seq - 1) != event.seq;
}

// What is noted here cannot overtake what is read: nothing past the watermark is released, and a note is shorter than
// the record of the event that it is about.
void OpenDirectory::OnStop() {
  for (const std::uint64_t seq : in_doubt_.Routed()) {
    if (!journal().AppendHandedOn(seq)) return;  // no room: they are in doubt
  }
  std::uint64_t watermark = handed_on_seq_;
  for (std::uint64_t position = journal().released_position(); position < journal().appended_position();) {
    const auto [kind, event] = journal().Read(&position);
    if (kind != RecordKind::kEvent || event.seq <= watermark || !IsHandedOnByStop(event)) continue;
    if (event.seq == watermark + 1) {
      watermark = event.seq;
    } else if (!journal().AppendHandedOn(event.seq)) {  // no room: it is in doubt
      break;
    }
  }
  journal().SetHandedOnSeq(watermark);
}

std::optional<EventInDoubt> OpenDirectory::TakeOverdue() {
  if (in_doubt_.empty()) return std::nullopt;
  return in_doubt_.TakeOverdue(recovered_.clock->Now().age_ms);
}

}  // namespace dedup
