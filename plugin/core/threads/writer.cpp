#include "plugin/core/threads/writer.h"

#include <algorithm>
#include <string>

#include "plugin/core/base/patience.h"
#include "plugin/core/threads/thread.h"

namespace dedup {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Under load a transaction takes much of what has come, for the more rows, the fewer pages each of them writes: random
// ids touch pages all over the index, and each touched page is written once a transaction. Yet no more than a part of
// the journal, so that its room comes back in time, and no more than is stored within a second or so.
constexpr int kRecordsPerBatch = 65'536;
constexpr std::uint64_t kBytesPerBatchMin = 4 << 20;
constexpr std::uint64_t kBytesPerBatchMax = 32 << 20;
constexpr std::uint64_t kBatchesPerJournal = 8;
// The window's end keeps pace with any stream: twice as many rows go in a turn as have come in it, or this many.
constexpr std::uint64_t kRowsPerExpiryMin = 500;
constexpr milliseconds kRuleExpiryInterval{1000};

constexpr milliseconds kFileCheckInterval{500};

// While events arrive the writer looks every 5 ms, so that the main thread need not wake it for each of them, and that
// many rows share a transaction; HTTP waits as long for what it has published to be readable.
constexpr milliseconds kBusyWait{5};
// In a stream it lets more rows come together, for each transaction writes the pages that it touches: at 60,000 a
// second a row costs half the bytes, and the broker's machine less of a core. Not when that could fill the journal.
constexpr milliseconds kStreamWait{50};
constexpr std::uint64_t kStreamRows = 50;  // or more in a turn, which begins a stream at 10,000 a second
constexpr std::uint64_t kStreamsPerJournal = 64;
constexpr milliseconds kIdleWait{100};
constexpr milliseconds kFailureWait{500};
constexpr int kBusyTurns = 50;  // without a record, before the writer counts as idle

// On a busy machine the writer lets everybody else go first, while that has cost it no more than this in a turn and
// little waits for it. Then it insists on its share of the processors. What a disk takes does not count: else a
// slow sync would use it up, and the rest of the checkpoint come without patience.
constexpr milliseconds kPatience{500};
constexpr std::uint64_t kPatiencesPerJournal = 8;

// Room is given back seldom, for it costs two syncs: when a quarter of the journal is used, else every ten seconds.
constexpr milliseconds kReleaseInterval{10'000};

}  // namespace

Writer::Writer(Journal& journal, Store& store, KeyFile& keys, Clock& clock, LogQueue& log, const Options& options,
               const StoreState& state, bool may_be_suspect, ConflictLink& conflicts)
    : journal_(journal),
      store_(store),
      keys_(keys),
      clock_(clock),
      log_(log),
      options_(options),
      state_(state),
      stored_position_(journal.released_position()),
      suspect_(may_be_suspect),
      conflicts_(conflicts,
                 [&store](std::uint64_t seq) { return store.ReadPayloadHead(seq, PayloadMarks::kMarkedBytesMax); }),
      forgotten_seq_(state.forgotten_seq),
      thread_(StartThread(journal.data_dir(), [this] { Run(); })) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::Wake() {
  // Without the mutex a wake-up can be missed; then the writer looks by itself within kIdleWait.
  idle_.store(false, std::memory_order_relaxed);
  wake_.notify_one();
}

void Writer::Wait(milliseconds timeout) {
  std::unique_lock lock(mutex_);
  if (!stop_) wake_.wait_for(lock, timeout);
}

void Writer::Run() {
  int turns_without_work = 0;
  for (;;) {
    bool last;
    {
      const std::lock_guard lock(mutex_);
      last = stop_;
    }
    Turn turn;
    bool failed = false;
    const auto fail = [&](const std::exception& error, bool suspect, const char* advice = ", trying again") {
      failed = true;
      failing_ = true;
      suspect_ |= suspect;
      journal_.ShowStoreFailing(true);
      if (failure_log_.Allow(MonotonicMs())) {
        log_.AddMade(LogLevel::kError, [&] {
          return std::string("cannot store events: ") + error.what() + "; the journal holds " +
                 std::to_string(journal_.used_bytes()) + " of " + std::to_string(journal_.ring_bytes()) + " bytes" +
                 advice;
        });
      }
    };
    try {
      turn = RunOnce(last);
    } catch (const sqlite::BusyDatabase& error) {
      fail(error, false);
    } catch (const sqlite::CorruptDatabase& error) {
      journal_.MarkStoreDamaged();
      fail(error, true, "; restart the broker, which then saves what can be read of it");
    } catch (const std::exception& error) {
      fail(error, true);
    }
    if (failing_ && !failed) {
      failing_ = false;
      journal_.ShowStoreFailing(false);
      failure_log_ = {};
      log_.AddMade(LogLevel::kNotice, [] { return "events are stored again"; });
    }
    if (last) return;

    turns_without_work = turn.has_worked ? 0 : turns_without_work + 1;
    const bool idle = turns_without_work > kBusyTurns;
    if (failed) {
      Wait(kFailureWait);
    } else if (idle) {
      idle_.store(true, std::memory_order_relaxed);
      if (journal_.appended_position() == stored_position_) Wait(kIdleWait);
      idle_.store(false, std::memory_order_relaxed);
    } else {
      const std::uint64_t waiting_bytes = journal_.appended_position() - stored_position_;
      const bool is_stream = turn.rows >= kStreamRows &&
                             std::max(turn.journal_bytes, waiting_bytes) <= journal_.ring_bytes() / kStreamsPerJournal;
      Wait(is_stream ? kStreamWait : kBusyWait);
    }
  }
}

Writer::Turn Writer::RunOnce(bool last) {
  BePatientUntil([this, last](std::chrono::nanoseconds given_up) {
    return last || given_up >= kPatience ||
           journal_.appended_position() - stored_position_ > journal_.ring_bytes() / kPatiencesPerJournal;
  });
  clock_.Resync();
  CheckFiles();
  const std::uint64_t seq_before = state_.stored_seq;
  const std::uint64_t position_before = stored_position_;
  bool stored = false;
  do {
    stored = StoreBatch(last ? Store::Durability::kSynced : Store::Durability::kVisible);
    Release(last);
    store_.BoundWal();
  } while (last && stored);
  const std::uint64_t rows = state_.stored_seq - seq_before;
  const bool expired = !last && (Expire(2 * rows) | ExpireRuleKeys(2 * rows));
  if (!last) LookForConflicts();
  journal_.SaveClock(clock_.state(), last);
  if (last) journal_.Sync();
  return {.has_worked = stored || expired, .rows = rows, .journal_bytes = stored_position_ - position_before};
}

// Whatever is written to a file that was removed is gone with this process, and no call fails.
void Writer::CheckFiles() {
  const SteadyTime time = steady_clock::now();
  if (time < next_check_ && journal_.in_place()) return;
  next_check_ = time + kFileCheckInterval;
  const bool is_journal_there = journal_.IsInPlace();
  journal_.SetInPlace(is_journal_there && store_.IsInPlace());
  if (journal_.in_place()) return;
  throw StorageError("use", is_journal_there ? store_.path() : journal_.data_dir() / JournalHeader::kFileName,
                     "it was removed or exchanged while the broker used it; put it back, or restart the broker");
}

// Returns whether there was something to store.
bool Writer::StoreBatch(Store::Durability durability) {
  const std::uint64_t end = journal_.appended_position();
  if (stored_position_ == end) return false;
  const std::uint64_t batch_bytes =
      std::clamp(journal_.ring_bytes() / kBatchesPerJournal, kBytesPerBatchMin, kBytesPerBatchMax);
  StoreState state = state_;
  std::uint64_t position = stored_position_;
  Store::Batch batch(store_, durability);
  for (int records = 0; position < end && records < kRecordsPerBatch && position - stored_position_ < batch_bytes;
       ++records) {
    const Journal::Entry entry = journal_.Read(&position);
    if (entry.kind == RecordKind::kHandedOn) {
      batch.DeleteInDoubt(entry.event.seq);
      continue;
    }
    // It was stored, and has expired since.
    if (entry.event.seq <= state.forgotten_seq) continue;
    // One that is stored already is of an earlier run.
    if (!batch.Insert(entry.event) && entry.event.seq > state.stored_seq && conflict_log_.Allow(MonotonicMs())) {
      log_.Add(LogLevel::kError, "event " + std::to_string(entry.event.seq) +
                                     " is not stored: a row with its seq or its key is there already");
    }
    state.stored_seq = std::max(state.stored_seq, entry.event.seq);
  }
  state.counters = journal_.counters();
  batch.SaveState(state);
  batch.Commit();
  state_ = state;
  stored_position_ = position;
  return true;
}

void Writer::Release(bool now) {
  const SteadyTime time = steady_clock::now();
  const bool crowded = journal_.used_bytes() > journal_.ring_bytes() / 4;
  if (!now && !crowded && time < next_release_) return;

  std::uint64_t position = journal_.released_position();
  for (std::uint64_t next = position; next < stored_position_; position = next) {
    const Journal::Entry entry = journal_.Read(&next);
    // Only the journal knows how to hand an event on again: it stays until that cannot be needed any more.
    if (entry.kind == RecordKind::kHandedOn) continue;
    if (entry.event.seq > journal_.handed_on_seq()) break;
    YieldIfPatient();
    // A rule's key stands in the store.
    const bool has_rule = !entry.event.rule.name.empty();
    keys_.Append(entry.event.seq, has_rule ? KeyHash{} : KeyOf(journal_.header().secret, entry.event));
  }
  if (position == journal_.released_position()) return;

  if (suspect_) {
    if (!store_.Checkpoint()) {
      next_release_ = time + kReleaseInterval;
      return;
    }
    suspect_ = false;
  }
  // The WAL is synced as a whole, so one synced commit makes all commits before it durable.
  Store::Batch batch(store_, Store::Durability::kSynced);
  if (keys_.Sync()) batch.SaveKeysSeq(keys_.appended_seq());
  batch.Commit();
  journal_.Release(position);
  next_release_ = time + kReleaseInterval;  // not before: a failure is tried again at once
}

bool Writer::Expire(std::uint64_t rows_max) {
  // While the store is suspect its commits may not be durable, and the index must not run ahead of them.
  if (!options_.window || suspect_) return false;
  const SteadyTime time = steady_clock::now();
  if (time < next_expiry_) return false;
  const std::int64_t now_ms = clock_.Now().age_ms;
  StoreState state = state_;
  rows_max = std::clamp<std::uint64_t>(rows_max, kRowsPerExpiryMin, kRecordsPerBatch);
  // Synced before the index forgets: else a power cut could bring an old row back in the way of the id's new event.
  Store::Batch batch(store_, Store::Durability::kSynced);
  const bool all = batch.Expire(now_ms - options_.window->count(),
                                options_.retention ? now_ms - options_.retention->count() : INT64_MIN,
                                static_cast<int>(rows_max), journal_.handed_on_seq(), &state);
  if (batch.has_changes()) {
    batch.SaveState(state);
    batch.Commit();
    state_ = state;
    forgotten_seq_.store(state.forgotten_seq, std::memory_order_release);
    keys_.Forget(state.forgotten_seq);
  }
  if (all) next_expiry_ = time + kIdleWait;
  return !all;
}

// What cannot be read says nothing about what can be written, so that is no failure of the store.
void Writer::LookForConflicts() {
  try {
    conflicts_.Run(state_.stored_seq, MonotonicMs(), YieldIfPatient);
  } catch (const std::exception& error) {
    if (dynamic_cast<const sqlite::CorruptDatabase*>(&error) != nullptr) journal_.MarkStoreDamaged();
    if (!unreadable_log_.Allow(MonotonicMs())) return;
    log_.AddMade(LogLevel::kError, [&] {
      return std::string("cannot read an event to compare a duplicate with it: ") + error.what() +
             " (said once a minute)";
    });
  }
}

// Whether a key's window is over is told by its age, so these rows may go whenever there is time.
bool Writer::ExpireRuleKeys(std::uint64_t rows_max) {
  const SteadyTime time = steady_clock::now();
  if (time < next_rule_expiry_) return false;
  rows_max = std::clamp<std::uint64_t>(rows_max, kRowsPerExpiryMin, kRecordsPerBatch);
  Store::Batch batch(store_, Store::Durability::kVisible);
  const bool all = batch.ExpireRuleKeys(clock_.Now().age_ms, state_.forgotten_seq, static_cast<int>(rows_max));
  if (batch.has_changes()) batch.Commit();
  if (all) next_rule_expiry_ = time + kRuleExpiryInterval;
  return !all;
}

}  // namespace dedup
