// The price of a file descriptor in a process with several threads.
#pragma once

namespace dedup {

/// Gives the calling thread a table of file descriptors of its own: of those that are open now it keeps, under their
/// numbers, the regular files and directories. It keeps no connection, whose end the other side would else not see
/// before this thread has ended. What one thread opens from now on, another does not have; so each closes what it has
/// opened.
///
/// While threads share a table, the kernel counts at each system call who uses a file (fs/file.c, __fget_light): 15 ns
/// or more, some ten times a message in the broker's main thread. A record lock (fcntl) belongs to a table: SQLite's,
/// taken when the store was opened, stay with the thread that opened it and will close it.
///
/// Best effort: before Linux 5.9, or without /proc, the table stays shared, which costs speed and nothing else.
/// Errors: none. To be called first in a thread.
void UnshareFileTable() noexcept;

}  // namespace dedup
