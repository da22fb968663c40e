#include "event_reader.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "file.h"
#include "journal.h"
#include "sqlite.h"
#include "store.h"

namespace dedup {

struct EventReader::Connection {
  explicit Connection(const std::filesystem::path& data_dir)
      : files(FilesOf(data_dir)),
        journal(data_dir / Journal::kFileName, File::Mode::kRead),
        database(data_dir / Store::kFileName, sqlite::Database::Mode::kReadOnly),
        stored_seq(database, "SELECT stored_seq FROM state"),
        all_events(database,
                   "SELECT seq, received_us, topic, event_id, payload FROM events JOIN topics USING(topic_id) "
                   "WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"),
        topic_events(database,
                     "SELECT seq, received_us, topic, event_id, payload FROM topics JOIN events USING(topic_id) "
                     "WHERE topic = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"),
        topics(database,
               "SELECT topic FROM topics WHERE EXISTS(SELECT 1 FROM events WHERE events.topic_id = topics.topic_id) "
               "ORDER BY topic") {
    database.SetBusyTimeout(1000);
  }

  // Never by opening the database a second time: closing that would drop SQLite's own locks (POSIX fcntl).
  using Files = std::pair<FileIdentity, FileIdentity>;
  static Files FilesOf(const std::filesystem::path& data_dir) {
    return {IdentityOf(data_dir / Journal::kFileName), IdentityOf(data_dir / Store::kFileName)};
  }

  Files files;
  File journal;
  sqlite::Database database;
  sqlite::Statement stored_seq, all_events, topic_events, topics;
};

EventReader::EventReader(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}
EventReader::~EventReader() = default;

EventReader::Connection& EventReader::connection() {
  // The broker may have put a new file in the place of a damaged one: what is open is then the past.
  if (connection_ != nullptr && connection_->files != Connection::FilesOf(data_dir_)) connection_.reset();
  if (connection_ == nullptr) connection_ = std::make_unique<Connection>(data_dir_);
  return *connection_;
}

Statistics EventReader::ReadStatistics() {
  const File& file = connection().journal;
  JournalHeader header;
  if (file.ReadAt(0, &header, sizeof header) != sizeof header) {
    throw StorageError("read", file.path(), "the journal's header is cut short");
  }
  if (header.version != Journal::kVersion) {
    throw StorageError("read", file.path(),
                       "format " + std::to_string(header.version) + ", this program knows format " +
                           std::to_string(Journal::kVersion));
  }
  return {.processed = header.accepted_seq - header.skipped_seqs,
          .duplicates = header.counters.duplicates,
          .passed = header.counters.passed + header.counters.unstored,
          .refused = header.counters.refused,
          .invalid_ids = header.counters.invalid_ids,
          .unstored = header.counters.unstored,
          .accepted_seq = header.accepted_seq,
          .journal_used_bytes = header.appended_position - header.released_position,
          .journal_size_bytes = header.ring_bytes,
          .store_failing = header.store_failing != 0,
          .journal_failing = header.journal_failing != 0};
}

std::uint64_t EventReader::StoredSeq() {
  sqlite::Statement& statement = connection().stored_seq;
  const std::uint64_t seq = statement.Step() ? static_cast<std::uint64_t>(statement.Integer(0)) : 0;
  statement.Reset();
  return seq;
}

std::size_t EventReader::ReadEvents(std::string_view topic, std::uint64_t after_seq, std::uint64_t up_to_seq,
                                    std::size_t limit, const std::function<void(const StoredEvent&)>& on_event) {
  Connection& open = connection();
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();  // of SQLite's integers
  const std::uint64_t rows_max = std::min<std::uint64_t>(limit, kMax);
  up_to_seq = std::min(up_to_seq, kMax);
  after_seq = std::min(after_seq, kMax);
  sqlite::Statement& rows = topic.empty() ? open.all_events.Bind(after_seq, up_to_seq, rows_max)
                                          : open.topic_events.Bind(topic, after_seq, up_to_seq, rows_max);
  // The statement ends with this call even when on_event throws: an open one would hold the WAL back.
  struct Ended {
    sqlite::Statement& statement;
    ~Ended() { statement.Reset(); }
  } ended{rows};
  std::size_t count = 0;
  for (; rows.Step(); ++count) {
    on_event({.seq = static_cast<std::uint64_t>(rows.Integer(0)),
              .received_us = rows.Integer(1),
              .topic = rows.Bytes(2),
              .event_id = rows.Bytes(3),
              .payload = rows.Bytes(4)});
  }
  return count;
}

std::vector<std::string> EventReader::Topics() {
  sqlite::Statement& rows = connection().topics;
  std::vector<std::string> topics;
  while (rows.Step()) topics.emplace_back(rows.Bytes(0));
  return topics;
}

}  // namespace dedup
