#include "plugin/core/start/recovery.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "plugin/core/base/errors.h"
#include "plugin/core/start/load_index.h"

namespace dedup {
namespace {

namespace fs = std::filesystem;

constexpr char kLockFileName[] = "events.lock";

// After a power cut, or without the journal, the newest events may be gone, and nobody can tell how many seqs they had
// been given.
constexpr std::uint64_t kSeqsSkipped = 1'000'000;

File Lock(const fs::path& data_dir) {
  std::error_code error;
  fs::create_directories(data_dir, error);
  if (!error && access(data_dir.c_str(), W_OK) != 0) error = {errno, std::system_category()};
  if (error) {
    throw StorageError("use", data_dir,
                       error.message() + "; the broker's user (uid " + std::to_string(geteuid()) +
                           ") must be able to write to data_dir");
  }
  File file(data_dir / kLockFileName, File::Mode::kCreate);
  if (!file.TryLock()) {
    throw DataDirInUse("lock", data_dir,
                       "another broker, or another listener's plugin in this one, uses this data_dir already");
  }
  return file;
}

// A database, and what SQLite keeps beside it.
constexpr const char* kDatabaseSuffixes[] = {"", "-wal", "-shm"};

void RemoveDatabase(const fs::path& path) {
  for (const char* suffix : kDatabaseSuffixes) fs::remove(path.string() + suffix);
}

// Renames `path`, and what SQLite keeps beside it, out of the way. Returns the new name.
fs::path SetAside(const fs::path& path) {
  fs::path aside = path.string() + ".damaged-" + FileTimestamp();
  for (int i = 2; fs::exists(aside); ++i)
    aside = path.string() + ".damaged-" + FileTimestamp() + "-" + std::to_string(i);
  for (const char* suffix : kDatabaseSuffixes) {
    if (fs::exists(path.string() + suffix)) fs::rename(path.string() + suffix, aside.string() + suffix);
  }
  SyncDirectory(path.parent_path());
  return aside;
}

std::unique_ptr<Journal> OpenJournal(const fs::path& data_dir, LogQueue& log) {
  try {
    return Journal::Open(data_dir);
  } catch (const DamagedJournal& damage) {
    const fs::path aside = SetAside(data_dir / JournalHeader::kFileName);
    log.Add(LogLevel::kError, std::string(damage.what()) + "; it is set aside as " + aside.string() +
                                  ", events that were not yet in the store are lost");
    return nullptr;
  }
}

// A header for a data directory without a journal: all that the store remembers goes on.
JournalHeader HeaderFromStore(const StoreState& state) {
  JournalHeader header{};
  header.secret = MakeHashSecret();
  header.accepted_seq = state.stored_seq;
  header.handed_on_seq = state.stored_seq;
  header.skipped_seqs = state.skipped_seqs;
  header.counters = state.counters;
  return header;
}

// The header may name a newer seq than any row or record after a power cut, but not one that the journal had no room
// for.
bool IsPlausible(const Journal& journal, std::uint64_t newest_known_seq) {
  const std::uint64_t records_max = journal.ring_bytes() / sizeof(RecordHeader);
  return journal.accepted_seq() <= newest_known_seq + records_max + kSeqsSkipped;
}

// Behind which the seqs go on.
std::uint64_t AcceptedSeq(const Journal& journal, std::uint64_t newest_known_seq, StoreState* state, LogQueue& log) {
  if (IsPlausible(journal, newest_known_seq)) return std::max(newest_known_seq, journal.accepted_seq());
  log.Add(LogLevel::kError,
          "the journal's header is damaged: its newest seq cannot be " + std::to_string(journal.accepted_seq()));
  state->skipped_seqs += kSeqsSkipped;
  return newest_known_seq + kSeqsSkipped;
}

// What a start must know of the journal's records, whether they are rows yet or not.
struct Survey {
  Journal::Findings findings;
  std::uint64_t first_seq = 0, last_seq = 0;  // of the events; 0 without any
  bool has_gaps = false;                      // between those two
  std::map<std::uint64_t, EventInDoubt> in_doubt;
};

// What is in doubt goes into the table of that name, though its row may come later.
Survey LookThrough(Journal& journal, Journal::Search search, Store& store,
                   const std::set<std::uint64_t>& known_in_doubt, std::uint64_t forgotten_seq, LogQueue& log) {
  Survey survey;
  // A watermark beyond the newest seq is damage; then every event in the journal is in doubt.
  const std::uint64_t handed_on_seq = journal.handed_on_seq() <= journal.accepted_seq() ? journal.handed_on_seq() : 0;
  Store::Batch batch(store, Store::Durability::kVisible);
  survey.findings = journal.Replay(search, [&](const Journal::Entry& entry) {
    const std::uint64_t seq = entry.event.seq;
    if (entry.kind == RecordKind::kHandedOn) {
      survey.in_doubt.erase(seq);
      return batch.DeleteInDoubt(seq);
    }
    if (survey.first_seq == 0) {
      survey.first_seq = seq;
    } else if (seq != survey.last_seq + 1) {
      survey.has_gaps = true;
    }
    survey.last_seq = std::max(survey.last_seq, seq);
    if (seq <= forgotten_seq) return;
    if (seq > handed_on_seq || known_in_doubt.contains(seq)) {
      survey.in_doubt.emplace(seq, entry.event);
      batch.InsertInDoubt(entry.event);
    }
  });
  batch.Commit();
  const Journal::Findings& findings = survey.findings;
  if (findings.torn_bytes != 0) {
    log.Add(LogLevel::kWarning, "dropped a record of " + std::to_string(findings.torn_bytes) +
                                    " bytes that was cut short at the journal's end");
  }
  if (findings.header_damaged) {
    log.Add(LogLevel::kWarning, "where the journal's records begin had to be searched for; " +
                                    std::to_string(findings.records) + " records are found");
  }
  if (findings.damaged_bytes != 0) {
    log.Add(LogLevel::kError, "the journal is damaged: " + std::to_string(findings.damaged_bytes) +
                                  " bytes between its records are lost, " + std::to_string(findings.records) +
                                  " records are kept");
  }
  return survey;
}

// Whether journal and store are as a stop or a death of the process leaves them: the journal goes on without a gap
// behind the oldest record up to the newest event that there is. Then nothing need be stored before the broker serves.
bool IsInOrder(const Survey& survey, const Journal& journal, std::uint64_t stored_seq) {
  return !survey.findings.header_damaged && survey.findings.damaged_bytes == 0 && !survey.has_gaps &&
         survey.last_seq >= std::max(journal.accepted_seq(), stored_seq) &&
         journal.handed_on_seq() <= journal.accepted_seq();
}

// Brings the journal's events into the store, yet to be made durable; rows that are there stay.
void StoreAll(Journal& journal, Journal::Search search, std::uint64_t forgotten_seq, Store& store) {
  Store::Batch batch(store, Store::Durability::kVisible);
  journal.Replay(search, [&](const Journal::Entry& entry) {
    if (entry.kind == RecordKind::kEvent && entry.event.seq > forgotten_seq) batch.Insert(entry.event);
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

Recovered RecoverOnce(const Options& options, LogQueue& log) {
  Recovered recovered;
  recovered.store = std::make_unique<Store>(options.data_dir / Store::kFileName);
  if (const auto& migration = recovered.store->migration()) {
    log.Add(LogLevel::kNotice, "events.db was migrated from schema " + std::to_string(migration->from_version) +
                                   " to " + std::to_string(kSchemaVersion) + ": " +
                                   std::to_string(migration->event_count) + " events in " +
                                   std::to_string(migration->duration.count()) + " ms");
  }
  StoreState state = recovered.store->LoadState();
  std::unique_ptr<Journal> journal = OpenJournal(options.data_dir, log);
  JournalHeader header = journal ? journal->header() : HeaderFromStore(state);
  if (header.store_damage == StoreDamage::kFound) {
    throw sqlite::CorruptDatabase("use", options.data_dir / Store::kFileName, "it was found damaged while in use");
  }
  recovered.clock = std::make_unique<Clock>(header.clock, recovered.store->NewestAcceptedMs());

  // Of an event that never became a row, the table in_doubt alone may still know the seq.
  const std::set<std::uint64_t> known_in_doubt = recovered.store->LoadInDoubtSeqs();
  if (!journal && !known_in_doubt.empty()) {
    state.stored_seq = std::max(state.stored_seq, *known_in_doubt.rbegin());
    header.accepted_seq = header.handed_on_seq = state.stored_seq;
  }
  // Seqs that events were given which are gone: how many is not known.
  const bool journal_lost = !journal && state.stored_seq != 0;
  const bool skips = journal_lost || (recovered.clock->rebooted() && header.clean == 0);
  // Whether the writer may store what is in the journal, in its own time.
  bool serves_first = false;
  Survey survey;
  if (journal) {
    // The counters in the header are the newer ones, unless the header was lost in a power cut or damaged.
    for (const auto counter : kCounters) {
      header.counters.*counter = std::max(header.counters.*counter, state.counters.*counter);
    }
    const auto search = recovered.clock->rebooted() ? Journal::Search::kWholeRing : Journal::Search::kToTheAppended;
    survey = LookThrough(*journal, search, *recovered.store, known_in_doubt, state.forgotten_seq, log);
    const bool stays = journal->ring_bytes() == Journal::RingBytes(options.journal_bytes);
    serves_first =
        stays && !skips && header.store_damage == StoreDamage::kNone && IsInOrder(survey, *journal, state.stored_seq);
    if (!serves_first) StoreAll(*journal, search, state.forgotten_seq, *recovered.store);
    header.accepted_seq = AcceptedSeq(*journal, std::max(state.stored_seq, survey.last_seq), &state, log);
  }
  if (!serves_first) state.stored_seq = header.accepted_seq;
  header.skipped_seqs = std::min(std::max(header.skipped_seqs, state.skipped_seqs), header.accepted_seq);
  state.skipped_seqs = header.skipped_seqs;
  state.counters = header.counters;
  recovered.keys = std::make_unique<KeyFile>(options.data_dir, header.secret, log);
  LoadIndex(*recovered.store, state, serves_first ? journal.get() : nullptr, header.secret, *recovered.keys,
            &recovered.index, log);
  recovered.in_doubt = LoadInDoubt(*recovered.store, std::move(survey.in_doubt));
  {
    // With what was committed before.
    Store::Batch batch(*recovered.store, Store::Durability::kSynced);
    batch.SaveState(state);
    // Those of which neither a row nor a record is left: nothing can hand them on.
    std::set<std::uint64_t> lost = recovered.store->LoadInDoubtSeqs();
    for (const EventInDoubt& event : recovered.in_doubt) lost.erase(event.seq);
    for (const std::uint64_t seq : lost) batch.DeleteInDoubt(seq);
    if (recovered.keys->Sync()) batch.SaveKeysSeq(recovered.keys->appended_seq());
    batch.Commit();
  }
  // A killed process may have made files and never come to make their names durable.
  SyncDirectory(options.data_dir);

  // Up to here all can be done again, as often as it takes. Only now, with every row read that has to be, the journal
  // may let go of its records; and it notes this boot, so that seqs are skipped once for a power cut.
  if (skips) {
    header.accepted_seq += kSeqsSkipped;
    header.skipped_seqs += kSeqsSkipped;
    state.stored_seq = header.accepted_seq;
    state.skipped_seqs = header.skipped_seqs;
  }
  // What is past the watermark stands in the table in_doubt now, so the watermark may move on.
  header.handed_on_seq = header.accepted_seq;
  header.clean = 0;
  header.clock = recovered.clock->state();
  if (journal && journal->ring_bytes() == Journal::RingBytes(options.journal_bytes)) {
    journal->GoOn(header, serves_first ? journal->released_position() : journal->appended_position());
    recovered.journal = std::move(journal);
  } else {
    recovered.journal = Journal::Create(options.data_dir, options.journal_bytes, header);
  }
  if (skips) {
    // So that they are not skipped to, and given, once more when the journal is lost.
    Store::Batch batch(*recovered.store, Store::Durability::kSynced);
    batch.SaveState(state);
    batch.Commit();
  }
  if (serves_first && state.stored_seq < survey.last_seq) {
    recovered.unstored = survey.last_seq - std::max(state.stored_seq, survey.first_seq - 1);
  }
  recovered.state = state;
  return recovered;
}

// Puts what can be read of the damaged database in its place. A death on the way leaves either the damaged one, and all
// is done again, or the finished one beside an empty place, which FinishSalvage fills.
constexpr char kSalvagedSuffix[] = ".salvaged";

void FinishSalvage(const fs::path& database) {
  const fs::path salvaged = database.string() + kSalvagedSuffix;
  if (fs::exists(database) || !fs::exists(salvaged)) return;
  SetAside(database);  // what SQLite kept beside the damaged one
  fs::rename(salvaged, database);
  SyncDirectory(database.parent_path());
}

void SalvageDatabase(const fs::path& database, const char* damage, LogQueue& log) {
  const fs::path salvaged = database.string() + kSalvagedSuffix;
  RemoveDatabase(salvaged);
  Salvaged saved;
  try {
    saved = Salvage(database, salvaged);
  } catch (...) {
    // Half of it is of no use, and takes room that may be what was missing.
    RemoveDatabase(salvaged);
    throw;
  }
  const fs::path aside = SetAside(database);
  FinishSalvage(database);
  log.Add(LogLevel::kError,
          std::string(damage) + "; the database is set aside as " + aside.string() + ", " + std::to_string(saved.rows) +
              " events that could be read of it are kept" +
              (saved.is_all ? "" : ", the others are lost, but not their ids, so far as events.keys has them"));
}

// Marked before and behind: a start that gets no further, or a death, must neither forget that rows may be missing nor
// salvage what has been salvaged.
void SalvageStore(const fs::path& data_dir, const char* damage, LogQueue& log) {
  const std::unique_ptr<Journal> journal = OpenJournal(data_dir, log);
  if (journal) journal->MarkStoreDamaged();
  SalvageDatabase(data_dir / Store::kFileName, damage, log);
  if (journal) journal->MarkStoreSalvaged();
}

}  // namespace

Recovered Recover(const Options& options, LogQueue& log) {
  File lock = Lock(options.data_dir);
  const fs::path database = options.data_dir / Store::kFileName;
  FinishSalvage(database);
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
