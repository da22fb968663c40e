#include "plugin/core/start/load_index.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/store/event_filter.h"

namespace dedup {
namespace {

template <class OnEvent>
void ForEachEvent(const Journal& journal, OnEvent on_event) {
  for (std::uint64_t position = journal.released_position(); position < journal.appended_position();) {
    const Journal::Entry entry = journal.Read(&position);
    if (entry.kind == RecordKind::kEvent && !on_event(entry.event)) return;
  }
}

std::uint64_t FirstSeq(const Journal& journal) {
  std::uint64_t first_seq = 0;
  ForEachEvent(journal, [&](const Event& event) {
    first_seq = event.seq;
    return false;
  });
  return first_seq;
}

// Puts keys into the index, and counts those that are there already.
class Loader {
 public:
  Loader(const Store& store, Index* index, Windows* windows, std::int64_t now_ms)
      : store_(store), index_(*index), windows_(*windows), now_ms_(now_ms) {}

  void Insert(std::uint64_t seq, const KeyHash& key, std::uint8_t window_class = Index::kPluginClass) {
    // No event has such a one. The index would refuse it at each start anew.
    if (seq > Index::kSeqMax) throw sqlite::CorruptDatabase("read", store_.path(), "a row's seq is not one");
    if (index_.Find(key)) {
      ++repeated_;
      return;
    }
    index_.Reserve(key, seq);
    index_.Insert(key, seq, window_class);
  }

  void InsertAll(std::uint64_t first_seq, std::span<const KeyHash> keys) {
    // Each waits for memory somewhere else: ask for all of it before any of it is needed.
    for (const KeyHash& key : keys) index_.Prefetch(key);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!KeyFile::IsNone(keys[i])) Insert(first_seq + i, keys[i]);
    }
  }

  /// Of a rule; one whose window is over is left out. Those of a window come in order of seq.
  void InsertRuleKey(const RuleKey& key, std::uint64_t forgotten_seq) {
    const bool is_over =
        key.window_ms == kPluginWindow ? key.seq <= forgotten_seq : now_ms_ >= OverAt(key.window_ms, key.accepted_ms);
    if (!is_over) Insert(key.seq, key.key, windows_.Note(key.window_ms, key.seq, key.accepted_ms));
  }

  std::uint64_t repeated() const { return repeated_; }

 private:
  const Store& store_;
  Index& index_;
  Windows& windows_;
  const std::int64_t now_ms_;
  std::uint64_t repeated_ = 0;
};

}  // namespace

void LoadIndex(Store& store, const StoreState& state, const Journal* unstored, const HashSecret& secret,
               std::int64_t now_ms, KeyFile& keys, Index* index, Windows* windows, LogQueue& log) {
  Loader loader(store, index, windows, now_ms);
  const std::uint64_t keys_seq = store.LoadKeysSeq();
  const std::uint64_t gone = state.forgotten_seq + state.skipped_seqs;
  // A damaged keys_seq must not ask for more than there can be.
  index->ReserveAll(std::min(keys_seq > gone ? keys_seq - gone : 0, keys.CountMax()));
  const std::uint64_t loaded_seq =
      keys.Load(state.forgotten_seq, std::max(keys_seq, state.forgotten_seq),
                [&](std::uint64_t first_seq, std::span<const KeyHash> hashes) { loader.InsertAll(first_seq, hashes); });
  if (loaded_seq < keys_seq) {
    log.Add(LogLevel::kWarning, std::string(KeyFile::kFileName) + " is lost or damaged behind event " +
                                    std::to_string(loaded_seq) + "; the ids are read from the rows");
  }
  const std::uint64_t last_row = unstored == nullptr ? EventRange{}.last_seq : FirstSeq(*unstored) - 1;
  store.ForEachKey(loaded_seq, last_row, [&](std::uint64_t seq, std::string_view topic, std::string_view event_id) {
    const KeyHash key = HashKey(secret, topic, event_id);
    loader.Insert(seq, key);
    keys.Append(seq, key);
  });
  store.ForEachRuleKey(last_row, [&](const RuleKey& key) { loader.InsertRuleKey(key, state.forgotten_seq); });
  if (unstored != nullptr) {
    // Their seqs have no gaps. The writer adds them to the key file when it releases them.
    const std::uint64_t known_seq = std::max(loaded_seq, state.forgotten_seq);
    std::vector<KeyHash> hashes;
    std::uint64_t first_seq = 0;
    const auto insert = [&] {
      loader.InsertAll(first_seq, hashes);
      hashes.clear();
    };
    ForEachEvent(*unstored, [&](const Event& event) {
      if (!event.rule.name.empty()) {
        insert();
        loader.InsertRuleKey({.window_ms = event.rule.window_ms,
                              .seq = event.seq,
                              .accepted_ms = event.accepted.age_ms,
                              .key = event.rule.key},
                             state.forgotten_seq);
        return true;
      }
      if (event.seq <= known_seq) return true;
      if (hashes.empty()) first_seq = event.seq;
      hashes.push_back(HashKey(secret, event.topic, event.event_id));
      if (hashes.size() == KeyFile::kKeysPerBlock) insert();
      return true;
    });
    insert();
  }
  if (loader.repeated() != 0) {
    log.Add(LogLevel::kError,
            std::to_string(loader.repeated()) + " stored events have the topic and id of an earlier one");
  }
}

}  // namespace dedup
