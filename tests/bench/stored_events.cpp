#include "tests/bench/stored_events.h"

#include <string>

#include "plugin/core/deduplicator.h"
#include "plugin/core/index/key_file.h"
#include "plugin/core/journal/journal.h"
#include "tests/bench/events.h"

namespace dedup::bench {

void MakeStoredEvents(const std::filesystem::path& data_dir, std::size_t count) {
  constexpr std::size_t kEventsPerBatch = 100'000;
  constexpr std::size_t kPayloadBytes = 200;
  constexpr char kTopic[] = "sensor/1";
  Options options;
  options.data_dir = data_dir;
  Deduplicator(options).Stop();  // the journal, the schema

  const HashSecret secret = Journal::Open(data_dir)->header().secret;
  Store store(data_dir / Store::kFileName);
  StoreState state = store.LoadState();
  LogQueue log;
  KeyFile keys(data_dir, secret, log);
  keys.Load(0, 0, {});
  IdSource ids(IdKind::kUuidV4);
  while (state.stored_seq < count) {
    Store::Batch batch(store, Store::Durability::kVisible);
    for (std::size_t i = 0; i < kEventsPerBatch && state.stored_seq < count; ++i) {
      const std::string id = ids.Next();
      const std::uint64_t seq = ++state.stored_seq;
      const std::string payload = MakeEvent(id, seq, kPayloadBytes);
      const auto now_us = static_cast<std::int64_t>(1'767'225'600'000'000 + seq);
      batch.Insert({.seq = seq,
                    .accepted = {.wall_us = now_us, .age_ms = now_us / 1000},
                    .topic = kTopic,
                    .event_id = id,
                    .properties = {},
                    .payload = payload});
      keys.Append(seq, HashKey(secret, kTopic, id));
    }
    batch.SaveState(state);
    if (keys.Sync()) batch.SaveKeysSeq(keys.appended_seq());
    batch.Commit();
    store.BoundWal();
  }
  store.Checkpoint();
}

}  // namespace dedup::bench
