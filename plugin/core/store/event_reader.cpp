#include "plugin/core/store/event_reader.h"

#include <string>
#include <system_error>
#include <utility>

#include "plugin/core/base/file.h"
#include "plugin/core/journal/journal_header.h"
#include "plugin/core/store/event_search.h"
#include "plugin/core/store/schema.h"
#include "plugin/core/store/schema_check.h"
#include "plugin/core/store/sqlite.h"
#include "plugin/core/store/store.h"

namespace dedup {
namespace {

// The seqs of stored events have no gaps but where some were skipped, far more than the kSeqsPerTimes of a row of
// `times`. So that small table tells where the gaps are.
constexpr char kCountEvents[] = R"sql(
WITH runs AS (
  SELECT min(block) AS first_block, max(block) AS last_block
  FROM (SELECT block, block - row_number() OVER (ORDER BY block) AS run FROM times) GROUP BY run
)
SELECT sum((SELECT max(seq) FROM events WHERE seq < (last_block + 1) * ?1) -
           (SELECT min(seq) FROM events WHERE seq >= first_block * ?1) + 1) FROM runs
)sql";

std::string OtherVersion(const char* what, std::int64_t found, std::int64_t known) {
  const std::string version = std::string(what) + " ";
  return version + std::to_string(found) + ", this program knows " + version + std::to_string(known) +
         (found < known ? "; the plugin migrates it when the broker starts"
                        : "; the plugin is newer than this program");
}

}  // namespace

struct EventReader::Connection {
  explicit Connection(const std::filesystem::path& data_dir)
      : files(FilesOf(data_dir / JournalHeader::kFileName, data_dir / Store::kFileName)),
        journal(data_dir / JournalHeader::kFileName, File::Mode::kRead),
        database(data_dir / Store::kFileName, sqlite::Database::Mode::kReadOnly),
        stored_seq(Checked(database), "SELECT stored_seq FROM state"),
        count_events(database, kCountEvents),
        search(database),
        topics(database,
               "SELECT topic FROM topics WHERE EXISTS(SELECT 1 FROM events WHERE events.topic_id = topics.topic_id) "
               "ORDER BY topic") {
    database.SetBusyTimeout(1000);
  }

  // Until the broker has started once, an older one's database is not yet migrated.
  static sqlite::Database& Checked(sqlite::Database& database) {
    const std::int64_t version = database.QueryInteger("PRAGMA user_version");
    if (version == kSchemaVersion) {
      CheckSchema(database);
      return database;
    }
    throw StorageError("read", database.path(), OtherVersion("schema", version, kSchemaVersion));
  }

  // Never by opening the database a second time: closing that would drop SQLite's own locks (POSIX fcntl).
  using Files = std::pair<FileIdentity, FileIdentity>;
  static Files FilesOf(const std::filesystem::path& journal, const std::filesystem::path& database) {
    return {IdentityOf(journal), IdentityOf(database)};
  }
  // The broker may have put a new file in the place of a damaged one: what is open is then the past.
  bool IsPast() const { return files != FilesOf(journal.path(), database.path()); }

  Files files;
  File journal;
  sqlite::Database database;
  sqlite::Statement stored_seq;
  sqlite::Statement count_events;
  EventSearch search;
  sqlite::Statement topics;
};

EventReader::EventReader(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}
EventReader::~EventReader() = default;

EventReader::Connection& EventReader::connection() {
  if (connection_ != nullptr && connection_->IsPast()) connection_.reset();
  if (connection_ == nullptr) connection_ = std::make_unique<Connection>(data_dir_);
  return *connection_;
}

Statistics EventReader::ReadStatistics() {
  const File& file = connection().journal;
  JournalHeader header;
  if (file.ReadAt(0, &header, sizeof header) != sizeof header) {
    throw StorageError("read", file.path(), "the journal's header is cut short");
  }
  if (!IsIdentified(header)) throw StorageError("read", file.path(), "the journal's header is damaged");
  if (header.version != JournalHeader::kVersion) {
    throw StorageError("read", file.path(), OtherVersion("format", header.version, JournalHeader::kVersion));
  }
  return StatisticsOf(header);
}

std::uint64_t EventReader::StoredSeq() {
  sqlite::Statement& statement = connection().stored_seq;
  const std::uint64_t seq = statement.Step() ? static_cast<std::uint64_t>(statement.Integer(0)) : 0;
  statement.Reset();
  return seq;
}

std::uint64_t EventReader::CountEvents() {
  sqlite::Statement& statement = connection().count_events.Bind(kSeqsPerTimes);
  const std::uint64_t count = statement.Step() ? static_cast<std::uint64_t>(statement.Integer(0)) : 0;
  statement.Reset();
  return count;
}

std::uint64_t EventReader::StoreBytes() {
  const std::string path = connection().database.path();
  std::uint64_t bytes = 0;
  for (const char* const suffix : {"", "-wal"}) {
    std::error_code absent;  // the log, while no broker runs
    const std::uintmax_t size = std::filesystem::file_size(path + suffix, absent);
    if (!absent) bytes += size;
  }
  return bytes;
}

std::optional<EventRange> EventReader::ReadEvents(const EventFilter& filter, const EventRange& range,
                                                  const std::function<bool(const StoredEvent&)>& on_event) {
  return connection().search.Run(filter, range, on_event);
}

std::vector<std::string> EventReader::Topics() {
  sqlite::Statement& rows = connection().topics;
  std::vector<std::string> topics;
  while (rows.Step()) topics.emplace_back(rows.Bytes(0));
  return topics;
}

}  // namespace dedup
