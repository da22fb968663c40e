// The plugin's options: their names, defaults, units and checks, all in one table.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dedup {

enum class OnStoreFailure : std::uint8_t { kRefuse, kPass };

struct Options {
  /// nullopt: for ever.
  using Span = std::optional<std::chrono::milliseconds>;

  std::filesystem::path data_dir = "/var/lib/mosquitto/dedup";
  std::vector<std::string> topics = {"#"};
  std::string id_member = "event_id";
  std::string id_property = "event_id";
  std::filesystem::path rules_file;  ///< empty: none
  std::uint64_t journal_bytes = std::uint64_t{128} << 20;
  std::chrono::milliseconds fsync_interval{100};  ///< 0: before every acknowledgement
  std::chrono::milliseconds recovery_delay{10'000};
  Span window;
  Span retention;                                  ///< not shorter than the window
  std::chrono::milliseconds sys_interval{10'000};  ///< 0: never
  OnStoreFailure on_store_failure = OnStoreFailure::kRefuse;
};

/// Reads `plugin_opt_<name> <value>` pairs. Errors: OptionError naming the option and what it takes.
Options ParseOptions(const std::vector<std::pair<std::string_view, std::string_view>>& pairs);

}  // namespace dedup
