#include "plugin/core/threads/thread.h"

#include <utility>

#include "plugin/core/base/file_table.h"

namespace dedup {

std::thread StartThread(std::filesystem::path data_dir, std::function<void()> body) {
  return std::thread([data_dir = std::move(data_dir), body = std::move(body)] {
    UnshareFileTable(data_dir);
    body();
  });
}

}  // namespace dedup
