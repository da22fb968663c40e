// A terminal that shows a page which changes.
#pragma once

#include <chrono>
#include <cstddef>
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

  /// Gives the terminal of the one that lives back, from a signal's handler. To be called only where the program ends.
  static void GiveBack();

  /// Shows a page in place of the one before. False when the terminal is gone.
  bool Show(const std::string& page);
  /// Waits so long, less if a signal comes. True when q was pressed meanwhile, or nobody can press it any more.
  bool IsQuitPressed(std::chrono::milliseconds patience) const;

  std::size_t lines() const;
  std::size_t columns() const;

 private:
  bool has_keys_ = false;
};

}  // namespace dedup::command
