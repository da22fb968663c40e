// Who is let in: all that is asked of a request before its endpoint serves it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http_sidecar/auth/tokens.h"
#include "http_sidecar/server/client_limits.h"
#include "http_sidecar/server/exchange.h"
#include "http_sidecar/server/request_rate.h"

namespace dedup::sidecar {

/// Threading: any thread.
class Admission {
 public:
  /// The tokens must outlive it.
  Admission(const Tokens* tokens, ClientLimits limits)
      : tokens_(tokens), limits_(std::move(limits)), request_rate_(limits_.requests_per_s) {}

  /// From now on a request's Host must be one of this machine's, see IsLocalHost, or of `names`. Before the first
  /// request.
  void RequireLocalHost(std::vector<std::string> names) { local_names_ = std::move(names); }

  /// Sets the exchange's caller and client, and its refusal where the caller is not let in. To be called once for each
  /// request: it counts them. `network`: see NetworkOf.
  void Admit(const std::string& network, Exchange* exchange);

 private:
  std::optional<Answer> RefusalOf(const std::optional<Caller>& caller, const Exchange& exchange);
  std::optional<Answer> Excess(const Exchange& exchange);
  std::optional<Problem> Foreign(const Exchange& exchange) const;

  const Tokens* const tokens_;
  const ClientLimits limits_;
  RequestRate request_rate_;
  std::optional<std::vector<std::string>> local_names_;  // Host takes only this machine's names, among them these
};

}  // namespace dedup::sidecar
