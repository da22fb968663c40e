#include "http_sidecar/auth/tokens.h"

#include <algorithm>
#include <utility>

#include "http_sidecar/base/ascii.h"

namespace dedup::sidecar {

Tokens::Tokens(std::optional<std::filesystem::path> file) : file_(std::move(file)), list_(std::make_shared<List>()) {
  Reload();
}

void Tokens::Reload() {
  if (!file_) return;
  auto list = std::make_shared<List>();
  for (Token& token : ReadTokenFile(*file_)) list->push_back(std::make_shared<const Token>(std::move(token)));
  const std::lock_guard lock(mutex_);
  list_ = std::move(list);
}

std::optional<Caller> Tokens::Find(std::string_view authorization) const {
  if (!file_) return Caller::Anybody();
  if (authorization.empty()) return Caller::Stranger();
  constexpr std::string_view kScheme = "Bearer ";
  if (!EqualsIgnoringCase(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  const Sha256 hash = Sha256Of(authorization);
  // All of them, so that the time that it takes tells nothing.
  std::shared_ptr<const Token> found;
  for (const auto& token : *Current()) {
    if (AreSame(token->hash, hash)) found = token;
  }
  if (found == nullptr) return std::nullopt;
  return Caller(std::move(found));
}

bool Tokens::Hold(const Caller& caller) const {
  if (caller.token() == nullptr) return true;
  return std::ranges::any_of(*Current(), [&](const auto& token) { return *token == *caller.token(); });
}

std::shared_ptr<const Tokens::List> Tokens::Current() const {
  const std::lock_guard lock(mutex_);
  return list_;
}

}  // namespace dedup::sidecar
