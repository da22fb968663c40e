// The one way in which a thread is started behind the broker's.
#pragma once

#include <filesystem>
#include <functional>
#include <thread>

namespace dedup {

/// Starts a thread that runs `body` with a table of file descriptors of its own, which costs the broker's main thread
/// the least: of what is open now it has the files of `data_dir`, and what it opens itself, it closes itself (see
/// UnshareFileTable). For all threads that work while the broker does; not for one whose files another thread is to
/// use. Errors: std::system_error.
std::thread StartThread(std::filesystem::path data_dir, std::function<void()> body);

}  // namespace dedup
