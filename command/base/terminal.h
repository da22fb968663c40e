// A terminal that shows a page which changes.
#pragma once

#include <termios.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace dedup::command {

/// Takes the terminal on standard output over, and gives it back as it was. Keys come from standard input, if that is
/// one too. One at a time.
class Terminal {
 public:
  /// Whether standard output is one.
  static bool IsThere();

  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Shows a page in place of the one before. False when the terminal is gone.
  bool Show(const std::string& page);
  /// Waits so long, less if a signal comes. True when q was pressed meanwhile, or nobody can press it any more.
  bool IsQuitPressed(std::chrono::milliseconds patience) const;

  std::size_t lines() const;
  std::size_t columns() const;

 private:
  std::optional<termios> before_;  // nothing: there are no keys
};

}  // namespace dedup::command
