// SQLite's way to the files, a little at a time.
#pragma once

namespace dedup::sqlite {

/// The name of a VFS, for sqlite3_open_v2: the default one, but that it calls YieldIfPatient before it writes, since a
/// commit and a checkpoint write thousands of pages in one go, and StartWriteBack when it has written some of them,
/// since a sync of thousands has the kernel work for milliseconds. nullptr, which means the default one, where there is
/// no memory for it. Threading: any.
const char* YieldingVfs();

}  // namespace dedup::sqlite
