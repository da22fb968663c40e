#include "plugin/core/start/recovery.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "plugin/core/base/errors.h"
#include "plugin/core/start/decision.h"
#include "plugin/core/start/load_index.h"
#include "plugin/core/start/salvage.h"
#include "plugin/core/start/set_aside.h"
#include "plugin/core/start/survey.h"
#include "plugin/core/start/take_over.h"

namespace dedup {
namespace {

namespace fs = std::filesystem;

constexpr char kLockFileName[] = "events.lock";

File Lock(const fs::path& data_dir) {
  std::error_code error;
  fs::create_directories(data_dir, error);
  if (!error && access(data_dir.c_str(), W_OK) != 0) error = {errno, std::system_category()};
  if (error) {
    throw StorageError("use", data_dir,
                       error.message() + "; the broker's user (uid " + std::to_string(geteuid()) +
                           ") must be able to write to data_dir");
  }
  DisableCopyOnWrite(data_dir);  // before anything is made in it
  File file(data_dir / kLockFileName, File::Mode::kCreate);
  if (!file.TryLock()) {
    throw DataDirInUse("lock", data_dir,
                       "another broker, or another listener's plugin in this one, uses this data_dir already");
  }
  return file;
}

std::unique_ptr<Store> OpenStore(const fs::path& data_dir, LogQueue& log) {
  auto store = std::make_unique<Store>(data_dir / Store::kFileName);
  if (const auto& migration = store->migration()) {
    log.Add(LogLevel::kNotice,
            "events.db was migrated from schema " + std::to_string(migration->from_version) + " to " +
                std::to_string(kSchemaVersion) +
                (migration->event_count ? ": " + std::to_string(*migration->event_count) + " events" : "") + " in " +
                std::to_string(migration->duration.count()) + " ms");
  }
  return store;
}

// What is in doubt goes into the table of that name, though its row may come later.
void NoteInDoubt(const Survey& found, Store& store) {
  Store::Batch batch(store, Store::Durability::kVisible);
  for (const std::uint64_t seq : found.in_doubt_no_more) batch.DeleteInDoubt(seq);
  for (const auto& [seq, event] : found.in_doubt) {
    batch.InsertInDoubt({.seq = seq,
                         .accepted = {},
                         .qos = event.qos,
                         .retain = event.retain,
                         .topic = event.topic,
                         .event_id = event.event_id,
                         .rule = {.is_id_only = event.is_id_only},
                         .properties = event.properties,
                         .payload = event.payload});
  }
  batch.Commit();
}

// Brings the journal's events into the store, yet to be made durable; rows that are there stay.
void StoreAll(const Survey& found, Journal& journal, Store& store) {
  Store::Batch batch(store, Store::Durability::kVisible);
  journal.Replay(found.search, [&](const Journal::Entry& entry) {
    if (entry.kind == RecordKind::kEvent && entry.event.seq > found.state.forgotten_seq) batch.Insert(entry.event);
  });
  batch.Commit();
}

// Events in doubt from the rows and, so far as they are none yet, from the journal.
std::vector<EventInDoubt> LoadInDoubt(Store& store, std::map<std::uint64_t, EventInDoubt> in_journal) {
  std::vector<EventInDoubt> in_doubt = store.LoadInDoubt();
  for (const EventInDoubt& event : in_doubt) in_journal.erase(event.seq);
  for (auto& [seq, event] : in_journal) in_doubt.push_back(std::move(event));
  return in_doubt;
}

// Where the seqs and the counters go on, for the journal's header and the store alike.
void Reconcile(const Decision& decision, const Survey& found, Timestamp now, JournalHeader* header, StoreState* state) {
  header->accepted_seq =
      decision.distrusts_header ? found.newest_seq : std::max(found.newest_seq, header->accepted_seq);
  if (decision.distrusts_header) {
    header->accepted_seq += kSeqsSkipped;
    state->skipped_seqs += kSeqsSkipped;
  }
  header->skipped_seqs = std::min(std::max(header->skipped_seqs, state->skipped_seqs), header->accepted_seq);
  state->skipped_seqs = header->skipped_seqs;
  // Those in the header are the newer ones, unless it was lost in a power cut or damaged.
  for (const auto counter : kCounters) {
    header->counters.*counter = std::max(header->counters.*counter, state->counters.*counter);
  }
  header->counters.lost += found.lost;
  // Those that a salvage missed stand in the store's counter.
  if (header->counters.lost > found.header.counters.lost) header->lost_ms = now.wall_us / 1000;
  state->counters = header->counters;
}

void TellUnknownBoot(const Clock& clock, const Survey& found, LogQueue& log) {
  if (clock.knows_boot() || !found.had_power_cut) return;
  log.Add(LogLevel::kWarning,
          "the last stop was not orderly, and whether the machine was booted since cannot be told, because "
          "/proc/sys/kernel/random/boot_id is hidden (systemd's ProcSubset=pid does so): taken for a power cut");
}

void TellLost(const Survey& found, LogQueue& log) {
  if (found.lost == 0) return;
  if (found.had_power_cut) {
    log.Add(LogLevel::kWarning, "the power cut has cost the newest " + std::to_string(found.lost) + " accepted events");
  } else {
    log.Add(LogLevel::kError,
            "up to " + std::to_string(found.lost) +
                " accepted events are lost: the journal's header knows of them, but neither the database nor the "
                "journal has them; a file was damaged, cut short or removed, or is an older copy");
  }
}

void SaveStateAndKeys(Recovered& recovered, const HashSecret& secret) {
  Store::Batch batch(*recovered.store, Store::Durability::kSynced);  // with what was committed before
  batch.SaveState(recovered.state);
  batch.SaveSecret(secret);
  // Those of which neither a row nor a record is left: nothing can hand them on.
  std::set<std::uint64_t> lost = recovered.store->LoadInDoubtSeqs();
  for (const EventInDoubt& event : recovered.in_doubt) lost.erase(event.seq);
  for (const std::uint64_t seq : lost) batch.DeleteInDoubt(seq);
  if (recovered.keys->Sync()) batch.SaveKeysSeq(recovered.keys->appended_seq());
  batch.Commit();
}

// Looks, decides, acts.
Recovered RecoverOnce(const Options& options, LogQueue& log) {
  Recovered recovered;
  recovered.store = OpenStore(options.data_dir, log);
  std::unique_ptr<Journal> journal = OpenJournal(options.data_dir, log);
  Survey found = LookThrough(*recovered.store, journal.get(), Journal::RingBytes(options.journal_bytes), log);
  recovered.clock = std::move(found.clock);
  recovered.may_be_suspect = found.has_journal && (found.header.clean == 0 || found.header.store_failing != 0);

  const Decision decision = Decide(found);
  TellUnknownBoot(*recovered.clock, found, log);
  TellLost(found, log);

  NoteInDoubt(found, *recovered.store);
  if (decision.stores_first) StoreAll(found, *journal, *recovered.store);
  if (decision.distrusts_header) {
    log.Add(LogLevel::kError,
            "the journal's header is damaged: its newest seq cannot be " + std::to_string(found.header.accepted_seq));
  }
  JournalHeader header = found.header;
  StoreState& state = recovered.state = found.state;
  Reconcile(decision, found, recovered.clock->Now(), &header, &state);
  // Its records are for the writer to store.
  const Journal* const unstored = decision.stores_first ? nullptr : journal.get();
  if (unstored == nullptr) state.stored_seq = header.accepted_seq;
  recovered.keys = std::make_unique<KeyFile>(options.data_dir, header.secret, log);
  LoadIndex(*recovered.store, state, unstored, header.secret, recovered.clock->Now().age_ms, *recovered.keys,
            &recovered.index, &recovered.windows, log);
  recovered.in_doubt = LoadInDoubt(*recovered.store, std::move(found.in_doubt));
  SaveStateAndKeys(recovered, header.secret);
  // A killed process may have made files and never come to make their names durable.
  SyncDirectory(options.data_dir);

  // What the last run wrote and could not sync, a sync of this one's does not bring to the disk.
  if (recovered.may_be_suspect && decision.stores_first && !recovered.store->Checkpoint()) {
    log.Add(LogLevel::kWarning, "events.db could not be written anew, because another process reads it");
  }

  // Up to here all can be done again, as often as it takes. Only now, with every row read that has to be, the journal
  // may let go of its records; and it notes this boot, so that seqs are skipped once for a power cut.
  if (decision.skips_seqs) {
    header.accepted_seq += kSeqsSkipped;
    header.skipped_seqs += kSeqsSkipped;
    state.stored_seq = header.accepted_seq;
    state.skipped_seqs = header.skipped_seqs;
  }
  // What is past the watermark stands in the table in_doubt now, so the watermark may move on.
  header.handed_on_seq = header.accepted_seq;
  header.clean = 0;
  header.clock = recovered.clock->state();
  if (decision.makes_journal) {
    if (decision.keeps_old_journal) {
      log.Add(LogLevel::kError,
              "the damaged journal is set aside as " + KeepAside(options.data_dir / JournalHeader::kFileName).string());
    }
    recovered.journal = Journal::Create(options.data_dir, options.journal_bytes, header);
  } else {
    journal->GoOn(header, unstored != nullptr ? journal->released_position() : journal->appended_position());
    recovered.journal = std::move(journal);
  }
  if (decision.skips_seqs) {
    // So that they are not skipped to, and given, once more when the journal is lost.
    Store::Batch batch(*recovered.store, Store::Durability::kSynced);
    batch.SaveState(state);
    batch.Commit();
  }
  if (unstored != nullptr && state.stored_seq < found.last_seq) {
    recovered.unstored = found.last_seq - std::max(state.stored_seq, found.first_seq - 1);
  }
  return recovered;
}

}  // namespace

Recovered Recover(const Options& options, LogQueue& log) {
  File lock = Lock(options.data_dir);
  const fs::path database = options.data_dir / Store::kFileName;
  FinishSalvage(database);
  TakeOverBeside(database, log);
  const auto recover = [&] {
    Recovered recovered = RecoverOnce(options, log);
    recovered.lock = std::move(lock);
    return recovered;
  };
  try {
    return recover();
  } catch (const sqlite::CorruptDatabase& damage) {
    SalvageStore(options.data_dir, damage.what(), log);
  }
  return recover();
}

}  // namespace dedup
