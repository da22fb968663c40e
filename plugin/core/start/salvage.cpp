#include "plugin/core/start/salvage.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "plugin/core/base/errors.h"
#include "plugin/core/base/file.h"
#include "plugin/core/event/event.h"
#include "plugin/core/journal/journal.h"
#include "plugin/core/start/damaged_database.h"
#include "plugin/core/start/set_aside.h"
#include "plugin/core/store/store.h"

namespace dedup {
namespace {

namespace fs = std::filesystem;

constexpr char kSalvagedSuffix[] = ".salvaged";

std::string WhatIsGone(const Salvaged& saved) {
  std::string text;
  if (saved.lost != 0) {
    text += ", " + std::to_string(saved.lost) + " are lost, but not their ids, so far as events.keys has them";
  }
  if (saved.unreadable_pages != 0)
    text += "; " + std::to_string(saved.unreadable_pages) + " pages cannot be read, or belong to what is lost";
  if (saved.nameless_topics != 0) {
    text += "; the names of " + std::to_string(saved.nameless_topics) + " topics are lost, their events stand under " +
            LostTopicName(1) + " and so on";
  }
  for (const std::string& table : saved.damaged_tables) {
    text += (&table == saved.damaged_tables.data() ? "; damaged tables besides: " : ", ") + table;
  }
  return text;
}

// A death on the way leaves either the damaged database, and all is done again, or the finished one beside an empty
// place, which FinishSalvage fills.
void SalvageDatabase(const fs::path& database, const char* damage, const SeqRanges& in_journal,
                     std::uint64_t lost_before, LogQueue& log) {
  const fs::path salvaged = database.string() + kSalvagedSuffix;
  RemoveDatabase(salvaged);
  Salvaged saved;
  try {
    saved = Salvage(database, salvaged, in_journal, lost_before);
  } catch (...) {
    // Half of it is of no use, and takes room that may be what was missing.
    RemoveDatabase(salvaged);
    throw;
  }
  const fs::path aside = SetAside(database);
  FinishSalvage(database);
  log.Add(LogLevel::kError, std::string(damage) + "; the database is set aside as " + aside.string() + ", " +
                                std::to_string(saved.rows) + " events that could be read of it are kept" +
                                WhatIsGone(saved));
}

}  // namespace

std::string LostTopicName(std::int64_t topic_id) { return "$lost/" + std::to_string(topic_id); }

Salvaged Salvage(const fs::path& damaged, const fs::path& fresh, const SeqRanges& in_journal,
                 std::uint64_t lost_before) {
  Store store(fresh);
  Store::Batch batch(store, Store::Durability::kSynced);
  DamagedDatabase from(damaged);
  const DamagedDatabase::Small small = from.ReadSmall();
  Salvaged salvaged;
  salvaged.damaged_tables = small.damaged_tables;

  SeqRanges rows;
  SeqRanges nameless;  // of these
  std::set<std::int64_t> nameless_topics;
  StoreState state = small.state.value_or(StoreState{});
  const auto copy_row = [&](const DamagedDatabase::Row& row) {
    const auto topic = small.topics.find(row.topic_id);
    const bool has_topic = topic != small.topics.end();
    const std::string name = has_topic ? topic->second : LostTopicName(row.topic_id);
    Event event{.seq = row.seq,
                .accepted = {.wall_us = row.received_us, .age_ms = row.accepted_ms},
                .topic = name,
                .event_id = row.event_id,
                .properties = {},
                .payload = row.payload};
    std::string rule_name;
    if (row.rule_id) {
      const auto rule = small.rules.find(*row.rule_id);
      const bool has_rule = rule != small.rules.end();
      rule_name = has_rule ? rule->second.name : "lost-" + std::to_string(*row.rule_id);
      event.rule.name = rule_name;
      event.rule.is_id_only = has_rule && !rule->second.keeps_payload;
    }
    if (!batch.InsertSalvaged(event, row.expired)) return;
    ++salvaged.rows;
    rows.Add(row.seq);
    if (!has_topic) {
      nameless.Add(row.seq);
      nameless_topics.insert(row.topic_id);
    }
    state.stored_seq = std::max(state.stored_seq, row.seq);
    // A rule's row is marked from the beginning.
    if (!small.state && !row.rule_id && row.expired > 0) {
      state.forgotten_seq = std::max(state.forgotten_seq, static_cast<std::uint64_t>(row.expired));
    }
  };
  const SeqRanges known = from.ForEachRow(copy_row, [&](const RuleKey& key) { batch.InsertRuleKey(key); });
  salvaged.nameless_topics = nameless_topics.size();
  salvaged.lost = known.Without(rows).Without(in_journal).count();
  salvaged.unreadable_pages = from.UnreadablePages();

  // Where a row is lost, events.keys still knows its id. But an event in doubt that nothing can hand on any more can
  // only come again as a new one.
  std::uint64_t keys_seq = small.keys_seq.value_or(0);
  for (const auto& [seq, in_doubt] : small.in_doubt) {
    const bool is_whole = (rows.Contains(seq) && !nameless.Contains(seq)) || in_journal.Contains(seq);
    if (!is_whole) {
      keys_seq = std::min(keys_seq, seq - 1);
      continue;
    }
    batch.InsertInDoubt({.seq = seq,
                         .accepted = {},
                         .qos = in_doubt.qos,
                         .retain = in_doubt.retain,
                         .topic = {},
                         .event_id = {},
                         .rule = {.is_id_only = in_doubt.payload.has_value()},
                         .properties = in_doubt.properties,
                         .payload = in_doubt.payload ? std::string_view(*in_doubt.payload) : std::string_view()});
  }
  batch.SaveKeysSeq(keys_seq);
  if (small.secret) batch.SaveSecret(*small.secret);
  state.counters.lost = std::max(state.counters.lost, lost_before) + salvaged.lost;
  batch.SaveState(state);
  batch.Commit();
  // Into the main file: that alone is put in the damaged one's place.
  if (!store.Checkpoint()) throw StorageError("checkpoint", fresh, "another process reads it");
  return salvaged;
}

// Marked before and behind: a start that gets no further, or a death, must neither forget that rows may be missing nor
// salvage what has been salvaged.
void SalvageStore(const fs::path& data_dir, const char* damage, LogQueue& log) {
  const std::unique_ptr<Journal> journal = OpenJournal(data_dir, log);
  SeqRanges in_journal;
  std::uint64_t lost_before = 0;
  if (journal != nullptr) {
    journal->MarkStoreDamaged();
    lost_before = journal->counters().lost;
    journal->Replay(Journal::Search::kWholeRing, [&](const Journal::Entry& entry) {
      if (entry.kind == RecordKind::kEvent) in_journal.Add(entry.event.seq);
    });
  }
  SalvageDatabase(data_dir / Store::kFileName, damage, in_journal, lost_before, log);
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
