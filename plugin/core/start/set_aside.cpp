#include "plugin/core/start/set_aside.h"

#include <string>

#include "plugin/core/base/clock.h"
#include "plugin/core/base/file.h"
#include "plugin/core/journal/journal_migration.h"

namespace dedup {
namespace {

namespace fs = std::filesystem;

// A database, and what SQLite keeps beside it.
constexpr const char* kDatabaseSuffixes[] = {"", "-wal", "-shm"};

fs::path NameAside(const fs::path& path) {
  fs::path aside = path.string() + ".damaged-" + FileTimestamp();
  for (int i = 2; fs::exists(aside); ++i)
    aside = path.string() + ".damaged-" + FileTimestamp() + "-" + std::to_string(i);
  return aside;
}

}  // namespace

fs::path SetAside(const fs::path& path) {
  const fs::path aside = NameAside(path);
  for (const char* suffix : kDatabaseSuffixes) {
    if (fs::exists(path.string() + suffix)) fs::rename(path.string() + suffix, aside.string() + suffix);
  }
  SyncDirectory(path.parent_path());
  return aside;
}

fs::path KeepAside(const fs::path& path) {
  fs::path aside = NameAside(path);
  fs::create_hard_link(path, aside);
  SyncDirectory(path.parent_path());
  return aside;
}

void RemoveDatabase(const fs::path& path) {
  for (const char* suffix : kDatabaseSuffixes) fs::remove(path.string() + suffix);
}

std::unique_ptr<Journal> OpenJournal(const fs::path& data_dir, LogQueue& log) {
  if (MigrateJournal(data_dir)) {
    log.Add(LogLevel::kNotice,
            "events.journal was migrated to format " + std::to_string(JournalHeader::kVersion) + " from the first one");
  }
  try {
    return Journal::Open(data_dir);
  } catch (const DamagedJournal& damage) {
    const fs::path aside = SetAside(data_dir / JournalHeader::kFileName);
    log.Add(LogLevel::kError, std::string(damage.what()) + "; it is set aside as " + aside.string() +
                                  ", events that were not yet in the store are lost");
    return nullptr;
  }
}

}  // namespace dedup
