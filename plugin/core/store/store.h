// The store: every event as a row in SQLite.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugin/core/base/file.h"
#include "plugin/core/contract/counters.h"
#include "plugin/core/event/event.h"
#include "plugin/core/event/event_in_doubt.h"
#include "plugin/core/store/payload_head.h"
#include "plugin/core/store/schema.h"
#include "plugin/core/store/sqlite.h"

namespace dedup {

/// What the store keeps besides rows; saved in the same transaction as the rows that it speaks of.
struct StoreState {
  std::uint64_t stored_seq = 0;     ///< every event up to it is a row, or was pruned
  std::uint64_t forgotten_seq = 0;  ///< ids of events up to it are new again: their window is over
  std::uint64_t skipped_seqs = 0;
  Counters counters;
};

/// The key of an event that a rule has made, for as long as it is remembered.
struct RuleKey {
  std::int64_t window_ms = kPluginWindow;
  std::uint64_t seq = 0;
  std::int64_t accepted_ms = 0;
  KeyHash key{};
};

/// The state as saved in a database of any schema; stored_seq at least as high as the highest row. Errors:
/// StorageError, sqlite::CorruptDatabase also where there is none.
StoreState ReadStoreState(sqlite::Database& database);

/// The writer's side of events.db.
///
/// Rows appear in order of seq. That (event_id, topic_id, expired) is unique among the seqs with one seq / 131072 is
/// the last line of defence: within the window `expired` is 0, so a key has one row; a row that outlives its window
/// under a longer retention gets its own seq there. Rows further apart are not compared, see kIdIndex; a start notices
/// what repeats. In WAL mode a commit is visible to readers at once, and durable with Durability::kSynced. Threading:
/// one thread at a time. Errors: StorageError, sqlite::CorruptDatabase; the open transaction is then gone.
class Store {
 public:
  static constexpr char kFileName[] = "events.db";

  /// Opens, creates or migrates the database (see PrepareSchema).
  explicit Store(const std::filesystem::path& path);
  ~Store();

  const std::filesystem::path& path() const { return database_.path(); }
  /// Whether the path still leads to the database: it was not removed, renamed or exchanged.
  bool IsInPlace() const { return IdentityOf(path()) == identity_; }

  /// What the constructor had to do to a database of an older version.
  const std::optional<Migration>& migration() const { return migration_; }

  /// As ReadStoreState.
  StoreState LoadState();

  /// When the newest event was accepted, on the age clock; 0 without events.
  std::int64_t NewestAcceptedMs();

  /// Every key up to it is in events.keys, durably, so far as its id is remembered.
  std::uint64_t LoadKeysSeq();

  /// What the keys were made with; nothing where no start has noted it yet.
  std::optional<HashSecret> LoadSecret();

  /// Calls on_key for every remembered key that no rule has made with a seq behind `after_seq` and up to `last_seq`,
  /// oldest first.
  void ForEachKey(
      std::uint64_t after_seq, std::uint64_t last_seq,
      const std::function<void(std::uint64_t seq, std::string_view topic, std::string_view event_id)>& on_key);

  /// Calls on_key for every key that a rule has made with a seq up to `last_seq`, window by window, oldest first; also
  /// for those whose window is over and that ExpireRuleKeys has yet to delete.
  void ForEachRuleKey(std::uint64_t last_seq, const std::function<void(const RuleKey& key)>& on_key);

  /// The first `head_bytes` bytes of an event's payload; nothing where it is no row, or one that keeps no payload.
  std::optional<PayloadHead> ReadPayloadHead(std::uint64_t seq, std::size_t head_bytes);

  /// The events in doubt that are rows.
  std::vector<EventInDoubt> LoadInDoubt();
  /// The seqs of all that are in doubt, also of those that are no rows yet.
  std::set<std::uint64_t> LoadInDoubtSeqs();

  /// Writes every committed row to the main file, makes sure that it is on the disk, whatever has failed before, and
  /// empties the WAL. False when a reader is in the way.
  bool Checkpoint();
  /// Brings the rows of a WAL that has grown large into the main file, as far as readers let it. To be called after
  /// commits; costs nothing while the WAL is small.
  void BoundWal();

  enum class Durability { kVisible, kSynced };

  /// One transaction: begins at construction, ends with Commit or, without one, as if it had never been.
  class Batch {
   public:
    Batch(Store& store, Durability durability);
    ~Batch();

    /// False when this seq, or near it a row with this key, is there already.
    bool Insert(const Event& event);
    /// As it stood in another database: `expired` is the column of that name. A rule's key comes by InsertRuleKey.
    bool InsertSalvaged(const Event& event, std::int64_t expired);
    void InsertRuleKey(const RuleKey& key);
    /// Its row may come later.
    void InsertInDoubt(const Event& event);
    void DeleteInDoubt(std::uint64_t seq);
    /// Lets the window move on: of the oldest `rows_max` rows, those accepted before `window_start_ms` are forgotten,
    /// and those accepted before `retention_start_ms`, which is not later, are deleted. Events behind `handed_on_seq`
    /// or in doubt, and all behind those, stay. Returns whether there was nothing more to do.
    bool Expire(std::int64_t window_start_ms, std::int64_t retention_start_ms, int rows_max,
                std::uint64_t handed_on_seq, StoreState* state);
    /// Deletes the keys of rules whose windows are over, `rows_max` of each window at most. Returns whether there was
    /// nothing more to do.
    bool ExpireRuleKeys(std::int64_t now_ms, std::uint64_t forgotten_seq, int rows_max);
    void SaveState(const StoreState& state);
    void SaveKeysSeq(std::uint64_t seq);
    void SaveSecret(const HashSecret& secret);
    /// Whether anything was changed so far; if not, there is no need to commit.
    bool has_changes() const;
    void Commit();

   private:
    // The row of the table `times` for the events inserted last.
    struct Times {
      std::int64_t block, earliest_us, latest_us;
    };
    void SaveTimes();

    Store& store_;
    sqlite::Transaction transaction_;
    const std::int64_t changes_before_;
    std::optional<Times> times_;
    bool committed_ = false;
  };

 private:
  std::int64_t TopicId(std::string_view topic);
  std::optional<std::int64_t> RuleId(const EventRule& rule);
  void ForgetTopicIds();

  struct Statements;

  sqlite::Database database_;
  const FileIdentity identity_;
  std::optional<Migration> migration_;
  std::unique_ptr<Statements> statements_;
  // Writers tend to publish on few topics; beyond the limit the cache starts anew.
  std::unordered_map<std::string, std::int64_t> topic_ids_;
  std::size_t topic_ids_bytes_ = 0;
  std::map<std::pair<std::string, bool>, std::int64_t, std::less<>> rule_ids_;
  Durability durability_ = Durability::kVisible;
};

}  // namespace dedup
