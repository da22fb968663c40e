#include "plugin/core/store/store.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "plugin/core/base/errors.h"
#include "plugin/core/base/file.h"
#include "plugin/core/base/file_table.h"
#include "plugin/core/event/source.h"
#include "plugin/core/store/from_bytes.h"

namespace dedup {
namespace {

// Room for the pages that a large transaction touches, before it must write some twice; taken only when needed.
constexpr char kCacheSize[] = "PRAGMA cache_size = -32768";  // KiB

constexpr std::size_t kTopicCacheBytesMax = 1 << 20;
// A page that many transactions touch is copied into the main file once a checkpoint, and each checkpoint waits for the
// disk twice: so 16 MB of WAL lie between two of them, not SQLite's 4.
constexpr int kWalPagesMax = 4096;

constexpr std::int64_t kQosMax = 2;
// In place of one that the broker would refuse each time: such an event would be in doubt for ever, and nothing behind
// it would expire.
constexpr std::uint8_t kDamagedQos = 1;

std::uint64_t Unsigned(std::int64_t value) { return static_cast<std::uint64_t>(value); }

}  // namespace

StoreState ReadStoreState(sqlite::Database& database) {
  // A row is the better witness of its seq than the state is, after a salvage for one.
  const std::string columns =
      "SELECT max(stored_seq, (SELECT coalesce(max(seq), 0) FROM events)), forgotten_seq, skipped_seqs, duplicates, "
      "passed, refused, invalid_ids, unstored, ";
  sqlite::Statement row(database, (columns + (StateHas(database, "lost") ? "lost" : "0") + " FROM state").c_str());
  if (!row.Step()) throw sqlite::CorruptDatabase("read", database.path(), "the table state has no row");
  return {.stored_seq = Unsigned(row.Integer(0)),
          .forgotten_seq = Unsigned(row.Integer(1)),
          .skipped_seqs = Unsigned(row.Integer(2)),
          .counters = {.duplicates = Unsigned(row.Integer(3)),
                       .passed = Unsigned(row.Integer(4)),
                       .refused = Unsigned(row.Integer(5)),
                       .invalid_ids = Unsigned(row.Integer(6)),
                       .unstored = Unsigned(row.Integer(7)),
                       .lost = Unsigned(row.Integer(8))}};
}

struct Store::Statements {
  explicit Statements(sqlite::Database& database)
      : find_topic(database, "SELECT topic_id FROM topics WHERE topic = ?"),
        insert_topic(database, "INSERT INTO topics(topic) VALUES(?) RETURNING topic_id"),
        delete_unused_topic(database,
                            "DELETE FROM topics WHERE topic_id = ?1 "
                            "AND NOT EXISTS(SELECT 1 FROM events WHERE topic_id = ?1)"),
        insert_event(
            database,
            "INSERT OR IGNORE INTO events(seq, topic_id, event_id, expired, received_us, accepted_ms, source, payload, "
            "rule_id) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        find_rule(database, "SELECT rule_id FROM rules WHERE name = ? AND keeps_payload = ?"),
        insert_rule(database, "INSERT INTO rules(name, keeps_payload) VALUES(?, ?) RETURNING rule_id"),
        insert_rule_key(database,
                        "INSERT OR IGNORE INTO rule_keys(window_ms, seq, accepted_ms, key) VALUES(?, ?, ?, ?)"),
        next_window(database, "SELECT min(window_ms) FROM rule_keys WHERE window_ms > ?"),
        oldest_rule_keys(database, "SELECT seq, accepted_ms FROM rule_keys WHERE window_ms = ? ORDER BY seq LIMIT ?"),
        delete_rule_keys(database, "DELETE FROM rule_keys WHERE window_ms = ? AND seq <= ?"),
        widen_times(database,
                    "INSERT INTO times VALUES(?1, ?2, ?3) ON CONFLICT(block) DO UPDATE "
                    "SET earliest_us = min(earliest_us, ?2), latest_us = max(latest_us, ?3)"),
        delete_times(database, "DELETE FROM times WHERE block < ?"),
        insert_in_doubt(database,
                        "INSERT OR IGNORE INTO in_doubt(seq, qos, retain, properties, payload) VALUES(?, ?, ?, ?, ?)"),
        delete_in_doubt(database, "DELETE FROM in_doubt WHERE seq = ?"),
        oldest_events(database, "SELECT seq, accepted_ms FROM events WHERE seq > ? ORDER BY seq LIMIT ?"),
        expire_events(database, "UPDATE events SET expired = seq WHERE seq > ? AND seq <= ?"),
        delete_events(database, "DELETE FROM events WHERE seq <= ? RETURNING topic_id"),
        save_state(database,
                   "UPDATE state SET stored_seq = ?, forgotten_seq = ?, skipped_seqs = ?, duplicates = ?, passed = ?, "
                   "refused = ?, invalid_ids = ?, unstored = ?, lost = ?"),
        save_secret(database, "UPDATE key_file SET secret = ?"),
        save_keys_seq(database, "UPDATE key_file SET keys_seq = ?"),
        payload_head(database,
                     "SELECT length(payload), substr(payload, 1, ?) FROM events LEFT JOIN rules USING(rule_id) "
                     "WHERE seq = ? AND coalesce(keeps_payload, 1) = 1"),
        count_synced(database, "UPDATE state SET synced = synced + 1") {}

  sqlite::Statement find_topic, insert_topic, delete_unused_topic, insert_event, find_rule, insert_rule,
      insert_rule_key, next_window, oldest_rule_keys, delete_rule_keys, widen_times, delete_times, insert_in_doubt,
      delete_in_doubt, oldest_events, expire_events, delete_events, save_state, save_secret, save_keys_seq,
      payload_head, count_synced;
};

namespace {

// SQLite would make the database readable for everyone on the machine; made beforehand it keeps the mode that File
// gives, and so do the files beside it.
std::filesystem::path MakePrivate(const std::filesystem::path& path) {
  if (!std::filesystem::exists(std::filesystem::symlink_status(path))) File(path, File::Mode::kCreate);
  return path;
}

}  // namespace

Store::Store(const std::filesystem::path& path)
    : database_(MakePrivate(path), sqlite::Database::Mode::kReadWriteCreate), identity_(IdentityOf(path)) {
  // Long enough for a person with the sqlite3 shell; the journal takes what arrives meanwhile.
  database_.SetBusyTimeout(5000);
  database_.SetCheckpointOnClose(false);  // one that is none of ours is left as it is
  database_.Execute(kCacheSize);
  database_.Execute("PRAGMA synchronous = NORMAL");
  migration_ = PrepareSchema(database_);
  database_.SetCheckpointOnClose(true);
  statements_ = std::make_unique<Statements>(database_);
}

Store::~Store() = default;

StoreState Store::LoadState() { return ReadStoreState(database_); }

std::optional<HashSecret> Store::LoadSecret() {
  sqlite::Statement row(database_, "SELECT secret FROM key_file");
  return row.Step() ? FromBytes<HashSecret>(row.Bytes(0)) : std::nullopt;
}

std::uint64_t Store::LoadKeysSeq() { return Unsigned(database_.QueryInteger("SELECT keys_seq FROM key_file")); }

void Store::ForEachKey(
    std::uint64_t after_seq, std::uint64_t last_seq,
    const std::function<void(std::uint64_t seq, std::string_view topic, std::string_view event_id)>& on_key) {
  sqlite::Statement rows(database_,
                         "SELECT seq, topic, event_id FROM events JOIN topics USING(topic_id) "
                         "WHERE seq > max(?, (SELECT forgotten_seq FROM state)) AND seq <= ? AND expired = 0 "
                         "ORDER BY seq");
  rows.Bind(after_seq, last_seq);
  while (rows.Step()) on_key(Unsigned(rows.Integer(0)), rows.Bytes(1), rows.Bytes(2));
}

void Store::ForEachRuleKey(std::uint64_t last_seq, const std::function<void(const RuleKey& key)>& on_key) {
  sqlite::Statement rows(
      database_, "SELECT window_ms, seq, accepted_ms, key FROM rule_keys WHERE seq <= ? ORDER BY window_ms, seq");
  rows.Bind(last_seq);
  while (rows.Step()) {
    const std::optional<KeyHash> key = FromBytes<KeyHash>(rows.Bytes(3));
    if (!key) throw sqlite::CorruptDatabase("read", path(), "a rule's key is not 16 bytes");
    on_key(
        {.window_ms = rows.Integer(0), .seq = Unsigned(rows.Integer(1)), .accepted_ms = rows.Integer(2), .key = *key});
  }
}

std::optional<PayloadHead> Store::ReadPayloadHead(std::uint64_t seq, std::size_t head_bytes) {
  PayloadHead head;
  head.head.reserve(head_bytes);  // nothing must fail while the statement is at work
  sqlite::Statement& row = statements_->payload_head.Bind(head_bytes, seq);
  if (!row.Step()) return std::nullopt;
  head.payload_bytes = Unsigned(row.Integer(0));
  head.head.assign(row.Bytes(1));
  row.Reset();
  return head;
}

std::vector<EventInDoubt> Store::LoadInDoubt() {
  sqlite::Statement rows(database_,
                         "SELECT seq, qos, retain, topic, event_id, properties, "
                         "coalesce(in_doubt.payload, events.payload), in_doubt.payload IS NOT NULL "
                         "FROM in_doubt JOIN events USING(seq) JOIN topics USING(topic_id) ORDER BY seq");
  std::vector<EventInDoubt> in_doubt;
  while (rows.Step()) {
    const std::int64_t qos = rows.Integer(1);
    in_doubt.emplace_back(Event{.seq = Unsigned(rows.Integer(0)),
                                .accepted = {},
                                .qos = qos >= 0 && qos <= kQosMax ? static_cast<std::uint8_t>(qos) : kDamagedQos,
                                .retain = rows.Integer(2) != 0,
                                .topic = rows.Bytes(3),
                                .event_id = rows.Bytes(4),
                                .rule = {.is_id_only = rows.Integer(7) != 0},
                                .properties = rows.Bytes(5),
                                .payload = rows.Bytes(6)});
  }
  return in_doubt;
}

std::set<std::uint64_t> Store::LoadInDoubtSeqs() {
  sqlite::Statement rows(database_, "SELECT seq FROM in_doubt");
  std::set<std::uint64_t> seqs;
  while (rows.Step()) seqs.insert(Unsigned(rows.Integer(0)));
  return seqs;
}

// A sync that succeeds is no proof: of a page whose write-back has failed before, ext4 may keep nothing. So the WAL is
// emptied only when the main file has all, and that is read from the file system.
bool Store::Checkpoint() {
  if (database_.QueryInteger("PRAGMA wal_checkpoint(FULL)") != 0) return false;
  // SQLite's own: one more, closed, would take SQLite's locks with it.
  if (const int fd = FindDescriptor(identity_); fd >= 0) {
    WriteUnwritten(fd, path());
    if (fdatasync(fd) != 0) throw StorageError("fdatasync", path(), errno);
  }
  return database_.QueryInteger("PRAGMA wal_checkpoint(TRUNCATE)") == 0;
}

void Store::BoundWal() {
  if (database_.wal_pages() >= kWalPagesMax) database_.CheckpointPassive();
}

void Store::ForgetTopicIds() {
  topic_ids_.clear();
  topic_ids_bytes_ = 0;
  rule_ids_.clear();
}

std::int64_t Store::NewestAcceptedMs() {
  return database_.QueryInteger("SELECT accepted_ms FROM events ORDER BY seq DESC LIMIT 1");
}

std::int64_t Store::TopicId(std::string_view topic) {
  std::string name(topic);
  if (const auto known = topic_ids_.find(name); known != topic_ids_.end()) return known->second;
  sqlite::Statement& find = statements_->find_topic.Bind(topic);
  std::int64_t id = 0;
  if (find.Step()) {
    id = find.Integer(0);
    find.Reset();
  } else {
    sqlite::Statement& insert = statements_->insert_topic.Bind(topic);
    insert.Step();
    id = insert.Integer(0);
    insert.Run();
  }
  if (topic_ids_bytes_ >= kTopicCacheBytesMax) ForgetTopicIds();
  topic_ids_bytes_ += name.size() + sizeof *topic_ids_.begin();
  topic_ids_.emplace(std::move(name), id);
  return id;
}

// None is deleted: there are no more of them than names of rules.
std::optional<std::int64_t> Store::RuleId(const EventRule& rule) {
  if (rule.name.empty()) return std::nullopt;
  std::pair<std::string, bool> name(rule.name, !rule.is_id_only);
  if (const auto known = rule_ids_.find(name); known != rule_ids_.end()) return known->second;
  const int keeps_payload = rule.is_id_only ? 0 : 1;
  sqlite::Statement& find = statements_->find_rule.Bind(rule.name, keeps_payload);
  std::int64_t id = 0;
  if (find.Step()) {
    id = find.Integer(0);
    find.Reset();
  } else {
    sqlite::Statement& insert = statements_->insert_rule.Bind(rule.name, keeps_payload);
    insert.Step();
    id = insert.Integer(0);
    insert.Run();
  }
  rule_ids_.emplace(std::move(name), id);
  return id;
}

namespace {

// Whether a commit also syncs the WAL is a setting of the connection, to be changed outside of a transaction.
sqlite::Database& WithDurability(sqlite::Database& database, Store::Durability durability, Store::Durability* current) {
  if (durability != *current) {
    database.Execute(durability == Store::Durability::kSynced ? "PRAGMA synchronous = FULL"
                                                              : "PRAGMA synchronous = NORMAL");
    *current = durability;
  }
  return database;
}

}  // namespace

Store::Batch::Batch(Store& store, Durability durability)
    : store_(store),
      transaction_(WithDurability(store.database_, durability, &store.durability_)),
      changes_before_(store.database_.total_changes()) {}

bool Store::Batch::has_changes() const { return store_.database_.total_changes() != changes_before_; }

// A row with a rule is in no later one's way: what its key is, events_by_id cannot tell.
bool Store::Batch::Insert(const Event& event) {
  const bool has_rule = !event.rule.name.empty();
  if (!InsertSalvaged(event, has_rule ? static_cast<std::int64_t>(event.seq) : 0)) return false;
  if (has_rule) {
    InsertRuleKey({.window_ms = event.rule.window_ms,
                   .seq = event.seq,
                   .accepted_ms = event.accepted.age_ms,
                   .key = event.rule.key});
  }
  return true;
}

void Store::Batch::InsertRuleKey(const RuleKey& key) {
  char bytes[sizeof key.key];
  std::memcpy(bytes, &key.key, sizeof bytes);
  store_.statements_->insert_rule_key
      .Bind(key.window_ms, key.seq, key.accepted_ms, sqlite::BlobView{{bytes, sizeof bytes}})
      .Run();
}

bool Store::Batch::InsertSalvaged(const Event& event, std::int64_t expired) {
  SourceBuffer buffer;
  const std::string_view payload = event.rule.is_id_only ? std::string_view() : event.payload;
  store_.statements_->insert_event
      .Bind(event.seq, store_.TopicId(event.topic), event.event_id, expired, event.accepted.wall_us,
            event.accepted.age_ms, FindSource(payload, buffer), sqlite::BlobView{payload}, store_.RuleId(event.rule))
      .Run();
  if (store_.database_.changes() == 0) return false;
  const auto block = static_cast<std::int64_t>(event.seq) / kSeqsPerTimes;
  const std::int64_t received_us = event.accepted.wall_us;
  if (times_ && times_->block == block) {
    times_->earliest_us = std::min(times_->earliest_us, received_us);
    times_->latest_us = std::max(times_->latest_us, received_us);
  } else {
    SaveTimes();
    times_ = {.block = block, .earliest_us = received_us, .latest_us = received_us};
  }
  return true;
}

void Store::Batch::SaveTimes() {
  if (!times_) return;
  store_.statements_->widen_times.Bind(times_->block, times_->earliest_us, times_->latest_us).Run();
  times_.reset();
}

void Store::Batch::InsertInDoubt(const Event& event) {
  store_.statements_->insert_in_doubt
      .Bind(event.seq, int{event.qos}, int{event.retain}, sqlite::BlobView{event.properties},
            event.rule.is_id_only ? std::optional(sqlite::BlobView{event.payload}) : std::nullopt)
      .Run();
}

void Store::Batch::DeleteInDoubt(std::uint64_t seq) { store_.statements_->delete_in_doubt.Bind(seq).Run(); }

bool Store::Batch::Expire(std::int64_t window_start_ms, std::int64_t retention_start_ms, int rows_max,
                          std::uint64_t handed_on_seq, StoreState* state) {
  Statements& statements = *store_.statements_;
  const std::uint64_t doubt_seq =
      Unsigned(store_.database_.QueryInteger("SELECT min(seq) FROM in_doubt JOIN events USING(seq)"));
  const std::uint64_t seq_max = doubt_seq != 0 ? std::min(doubt_seq - 1, handed_on_seq) : handed_on_seq;
  // The last of the oldest rows behind `after_seq` that is older than `start_ms`.
  bool more = false;
  const auto last_older = [&](std::uint64_t after_seq, std::int64_t start_ms) {
    std::uint64_t last = after_seq;
    int rows = 0;
    sqlite::Statement& oldest = statements.oldest_events.Bind(after_seq, rows_max);
    while (oldest.Step()) {
      if (oldest.Integer(1) >= start_ms || Unsigned(oldest.Integer(0)) > seq_max) break;
      last = Unsigned(oldest.Integer(0));
      ++rows;
    }
    oldest.Reset();
    more |= rows == rows_max;
    return last;
  };

  const std::uint64_t deleted_seq = last_older(0, retention_start_ms);
  if (deleted_seq != 0) {
    std::set<std::int64_t> topic_ids;
    sqlite::Statement& deleted = statements.delete_events.Bind(deleted_seq);
    while (deleted.Step()) topic_ids.insert(deleted.Integer(0));
    for (const std::int64_t topic_id : topic_ids) statements.delete_unused_topic.Bind(topic_id).Run();
    store_.ForgetTopicIds();
    statements.delete_times.Bind((static_cast<std::int64_t>(deleted_seq) + 1) / kSeqsPerTimes).Run();
  }
  state->forgotten_seq = std::max(state->forgotten_seq, deleted_seq);
  if (retention_start_ms < window_start_ms) {
    const std::uint64_t forgotten_seq = last_older(state->forgotten_seq, window_start_ms);
    // A row that is forgotten and stays must not stand in the way of its id's next event.
    if (forgotten_seq > state->forgotten_seq) {
      statements.expire_events.Bind(state->forgotten_seq, forgotten_seq).Run();
      state->forgotten_seq = forgotten_seq;
    }
  }
  return !more;
}

bool Store::Batch::ExpireRuleKeys(std::int64_t now_ms, std::uint64_t forgotten_seq, int rows_max) {
  Statements& statements = *store_.statements_;
  bool more = false;
  std::vector<std::int64_t> windows_ms;
  for (std::int64_t window_ms = kPluginWindow - 1; window_ms != kForeverWindow;) {
    sqlite::Statement& next = statements.next_window.Bind(window_ms);
    window_ms = next.Step() && !next.IsNull(0) ? next.Integer(0) : kForeverWindow;
    next.Reset();
    if (window_ms != kForeverWindow) windows_ms.push_back(window_ms);
  }
  for (const std::int64_t window_ms : windows_ms) {
    std::uint64_t last_seq = 0;
    int rows = 0;
    sqlite::Statement& oldest = statements.oldest_rule_keys.Bind(window_ms, rows_max);
    while (oldest.Step()) {
      const std::uint64_t seq = Unsigned(oldest.Integer(0));
      if (window_ms == kPluginWindow ? seq > forgotten_seq : now_ms < OverAt(window_ms, oldest.Integer(1))) break;
      last_seq = seq;
      ++rows;
    }
    oldest.Reset();
    if (rows != 0) statements.delete_rule_keys.Bind(window_ms, last_seq).Run();
    more |= rows == rows_max;
  }
  return !more;
}

void Store::Batch::SaveState(const StoreState& state) {
  const Counters& counters = state.counters;
  store_.statements_->save_state
      .Bind(state.stored_seq, state.forgotten_seq, state.skipped_seqs, counters.duplicates, counters.passed,
            counters.refused, counters.invalid_ids, counters.unstored, counters.lost)
      .Run();
}

void Store::Batch::SaveSecret(const HashSecret& secret) {
  const std::string_view bytes(reinterpret_cast<const char*>(secret.data()), secret.size());
  store_.statements_->save_secret.Bind(sqlite::BlobView{bytes}).Run();
}

void Store::Batch::SaveKeysSeq(std::uint64_t seq) { store_.statements_->save_keys_seq.Bind(seq).Run(); }

void Store::Batch::Commit() {
  SaveTimes();
  // SQLite syncs nothing for a transaction that changes nothing, and a row that is set to what it was is no change; but
  // what was committed before, by a process that was killed perhaps, must be on the disk after this.
  if (store_.durability_ == Durability::kSynced) store_.statements_->count_synced.Run();
  transaction_.Commit();
  committed_ = true;
}

Store::Batch::~Batch() {
  // Topics that were new in this transaction are gone with it.
  if (!committed_ && has_changes()) store_.ForgetTopicIds();
}

}  // namespace dedup
