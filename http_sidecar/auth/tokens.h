// The tokens in force.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "http_sidecar/auth/caller.h"

namespace dedup::sidecar {

/// Threading: any thread.
class Tokens {
 public:
  /// Without a file everybody may do everything. Errors: TokenFileError.
  explicit Tokens(std::optional<std::filesystem::path> file);

  bool are_asked_for() const { return file_.has_value(); }
  std::size_t count() const { return Current()->size(); }

  /// Reads the file anew. Errors: TokenFileError; the old tokens stay then.
  void Reload();

  /// By the value of an Authorization header. A stranger when that is empty; nothing when it is no token of ours.
  std::optional<Caller> Find(std::string_view authorization) const;

  /// Whether the caller may still do what they might when they were found.
  bool Hold(const Caller& caller) const;

 private:
  using List = std::vector<std::shared_ptr<const Token>>;
  std::shared_ptr<const List> Current() const;

  const std::optional<std::filesystem::path> file_;
  mutable std::mutex mutex_;
  std::shared_ptr<const List> list_;  // guarded by mutex_
};

}  // namespace dedup::sidecar
