// The exceptions of the core.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace dedup {

/// A file or database could not be used. what() names the call, the file and the reason:
/// "fdatasync /data/events.journal: No space left on device".
class StorageError : public std::runtime_error {
 public:
  StorageError(std::string_view call, const std::filesystem::path& path, int error_number)
      : StorageError(call, path, std::system_category().message(error_number)) {
    error_number_ = error_number;
  }
  StorageError(std::string_view call, const std::filesystem::path& path, std::string_view reason)
      : std::runtime_error(std::string(call) + " " + path.string() + ": " + std::string(reason)) {}

  /// The kernel's; 0 where it has said nothing.
  int error_number() const { return error_number_; }

 private:
  int error_number_ = 0;
};

/// An option of the broker's configuration is unknown or malformed. what() names it and says what it takes.
class OptionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace dedup
