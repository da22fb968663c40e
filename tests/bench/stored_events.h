// A data directory as if a broker had worked on it.
#pragma once

#include <cstddef>
#include <filesystem>

namespace dedup::bench {

/// Fills the store of a new data directory with so many events, and stops in good order.
void MakeStoredEvents(const std::filesystem::path& data_dir, std::size_t count);

}  // namespace dedup::bench
