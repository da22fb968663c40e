// The price of a file descriptor in a process with several threads.
#pragma once

#include <filesystem>

#include "plugin/core/base/file.h"

namespace dedup {

/// Gives the calling thread a table of file descriptors of its own. Of those that are open now it keeps, under their
/// numbers, 0 to 2 and the files of `data_dir`: no connection, whose end the other side would else not see before this
/// thread has ended, and no log file that was rotated away. What one thread opens from now on, another does not have;
/// so each closes what it has opened.
///
/// While threads share a table, the kernel counts at each system call who uses a file (fs/file.c, __fget_light): 15 ns
/// or more, some ten times a message in the broker's main thread. A record lock (fcntl) belongs to a table: SQLite's,
/// taken when the store was opened, stay with the thread that opened it and will close it. A lock of a whole file
/// (flock) is held by all copies, some of which live on for a moment when their thread was joined.
///
/// Best effort: where the kernel is older than Linux 5.9 or a container forbids it, without /proc, and when the table
/// is full, it stays shared, which costs speed and nothing else. Errors: none. To be called first in a thread.
void UnshareFileTable(const std::filesystem::path& data_dir) noexcept;

/// A descriptor in the calling thread's table that leads to this file, -1 if none does: for a file that a library has
/// opened. It lasts as long as whoever opened it lets it. Errors: none.
int FindDescriptor(const FileIdentity& file) noexcept;

}  // namespace dedup
