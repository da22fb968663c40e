#include "plugin/core/start/salvage.h"

#include <memory>
#include <optional>
#include <string>

#include "plugin/core/base/errors.h"
#include "plugin/core/base/file.h"
#include "plugin/core/event/event.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/start/set_aside.h"
#include "plugin/core/store/sqlite.h"
#include "plugin/core/store/store.h"

namespace dedup {
namespace {

namespace fs = std::filesystem;

constexpr char kSalvagedSuffix[] = ".salvaged";

std::uint64_t Unsigned(std::int64_t value) { return static_cast<std::uint64_t>(value); }

// Calls on_row for the rows of a query as far as they can be read. Returns whether that was all of them.
template <class OnRow>
bool ReadToTheDamage(sqlite::Database& database, const char* sql, OnRow on_row) {
  try {
    for (sqlite::Statement rows(database, sql); rows.Step();) on_row(rows);
    return true;
  } catch (const sqlite::CorruptDatabase&) {
    return false;
  }
}

// From both ends up to the damage, as the rows.
void CopyRuleKeys(sqlite::Database& from, Store::Batch* batch) {
  const auto copy = [batch](sqlite::Statement& row) {
    if (const std::optional<RuleKey> key = RuleKeyOf(row)) batch->InsertRuleKey(*key);
  };
  const std::string keys = std::string("SELECT ") + kRuleKeyColumns + " FROM rule_keys ORDER BY ";
  if (ReadToTheDamage(from, (keys + "window_ms, seq").c_str(), copy)) return;
  ReadToTheDamage(from, (keys + "window_ms DESC, seq DESC").c_str(), copy);
}

// A death on the way leaves either the damaged database, and all is done again, or the finished one beside an empty
// place, which FinishSalvage fills.
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

}  // namespace

Salvaged Salvage(const fs::path& damaged, const fs::path& fresh) {
  Store store(fresh);
  Store::Batch batch(store, Store::Durability::kSynced);
  Salvaged salvaged;
  try {
    sqlite::Database from(damaged, sqlite::Database::Mode::kReadOnly);
    const bool has_rules =
        from.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE name IN ('rules', 'rule_keys')") == 2;
    const auto copy_event = [&](sqlite::Statement& row) {
      const Event event{.seq = Unsigned(row.Integer(0)),
                        .accepted = {.wall_us = row.Integer(4), .age_ms = row.Integer(5)},
                        .topic = row.Bytes(1),
                        .event_id = row.Bytes(2),
                        .rule = {.name = row.Bytes(7), .is_id_only = !row.IsNull(7) && row.Integer(8) == 0},
                        .properties = {},
                        .payload = row.Bytes(6)};
      if (batch.InsertSalvaged(event, row.Integer(3))) ++salvaged.rows;
    };
    const std::string events =
        std::string("SELECT seq, topic, event_id, expired, received_us, accepted_ms, payload, ") +
        (has_rules ? "name, keeps_payload FROM events JOIN topics USING(topic_id) LEFT JOIN rules USING(rule_id)"
                   : "NULL, NULL FROM events JOIN topics USING(topic_id)") +
        " ORDER BY seq";
    salvaged.is_all = ReadToTheDamage(from, events.c_str(), copy_event);
    if (!salvaged.is_all) ReadToTheDamage(from, (events + " DESC").c_str(), copy_event);
    if (has_rules) CopyRuleKeys(from, &batch);
    ReadToTheDamage(from,
                    has_rules ? "SELECT seq, qos, retain, properties, payload FROM in_doubt"
                              : "SELECT seq, qos, retain, properties, NULL FROM in_doubt",
                    [&](sqlite::Statement& row) {
                      batch.InsertInDoubt({.seq = Unsigned(row.Integer(0)),
                                           .accepted = {},
                                           .qos = static_cast<std::uint8_t>(row.Integer(1)),
                                           .retain = row.Integer(2) != 0,
                                           .topic = {},
                                           .event_id = {},
                                           .rule = {.is_id_only = !row.IsNull(4)},
                                           .properties = row.Bytes(3),
                                           .payload = row.Bytes(4)});
                    });
    // Where a row is lost, events.keys still knows its id. But an event in doubt without its row can only come again as
    // a new one.
    if (from.QueryInteger("SELECT count(*) FROM sqlite_schema WHERE name = 'key_file'") != 0) {
      ReadToTheDamage(from,
                      "SELECT min(keys_seq, (SELECT coalesce(min(seq) - 1, keys_seq) FROM in_doubt)) FROM key_file",
                      [&](sqlite::Statement& row) { batch.SaveKeysSeq(Unsigned(row.Integer(0))); });
      if (has_rules) {
        ReadToTheDamage(from, "SELECT secret FROM key_file", [&](sqlite::Statement& row) {
          if (const std::optional<HashSecret> secret = SecretOf(row)) batch.SaveSecret(*secret);
        });
      }
    }
    batch.SaveState(ReadStoreState(from));
  } catch (const sqlite::CorruptDatabase&) {
    // Not even its beginning can be read, or not its state, which comes last.
  }
  batch.Commit();
  // Into the main file: that alone is put in the damaged one's place.
  if (!store.Checkpoint()) throw StorageError("checkpoint", fresh, "another process reads it");
  return salvaged;
}

// Marked before and behind: a start that gets no further, or a death, must neither forget that rows may be missing nor
// salvage what has been salvaged.
void SalvageStore(const fs::path& data_dir, const char* damage, LogQueue& log) {
  const std::unique_ptr<Journal> journal = OpenJournal(data_dir, log);
  if (journal != nullptr) journal->MarkStoreDamaged();
  SalvageDatabase(data_dir / Store::kFileName, damage, log);
  if (journal != nullptr) journal->MarkStoreSalvaged();
}

void FinishSalvage(const fs::path& database) {
  const fs::path salvaged = database.string() + kSalvagedSuffix;
  if (fs::exists(database) || !fs::exists(salvaged)) return;
  SetAside(database);  // what SQLite kept beside the damaged one
  fs::rename(salvaged, database);
  SyncDirectory(database.parent_path());
}

}  // namespace dedup
