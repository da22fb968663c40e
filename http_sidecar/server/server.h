// HTTP in front of the Api.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "http_sidecar/endpoints/api.h"
#include "http_sidecar/net/tls.h"
#include "http_sidecar/server/client_limits.h"

namespace dedup::sidecar {

struct ServerOptions {
  ClientLimits limits;
  bool logs_requests = false;  ///< each is a line of the access log (see AccessLine), and its answer names its id
  std::size_t connections_max = 10'000;  ///< shared between addresses, see FairBudget
};

/// Limits: bodies of 16 MiB (413 beyond), heads of 64 KiB, request lines of 8 KiB (414), 240 requests at work at once;
/// more of them wait, for 10 s. A connection may stay idle for 60 s, take 15 s for a request's head, and pause for 15 s
/// inside its body or its answer. Beyond those of ClientLimits: 429, and when to try again.
class Server {
 public:
  /// The api must outlive it.
  Server(Api* api, const ServerOptions& options);
  ~Server();

  /// Binds and listens; requests wait until Serve(). Returns the port (`port` 0: any free one).
  /// Errors: std::runtime_error, with host, port and reason.
  int Listen(const std::string& host, int port);

  /// From the next connection on there is HTTPS, and no HTTP. If that asks for other client certificates than before,
  /// those who have been let in until now are cut off: at once, or before the next piece of what they are sent.
  /// Watchers are to be reviewed then. Threading: from any thread.
  void SetTls(std::shared_ptr<const Tls> tls);

  /// Whether what was bound can be reached from this machine only. Between Listen() and Serve().
  bool is_loopback() const;

  /// From the next connection on a request's Host must be one of this machine's, see IsLocalHost, or of `names`;
  /// otherwise the answer is 403. For a server that asks nobody for a token. Before Serve().
  void RequireLocalHost(std::vector<std::string> names);

  /// Serves until Stop(); then returns when the requests at work are answered. False if it had to end by itself.
  bool Serve();

  /// No more requests; running downloads are cut. Threading: from any thread, also before Serve().
  void Stop();

  /// After Stop(): clients are not waited for any more, and what they have sent of a request or taken of an answer is
  /// all that there will be of it. Threading: from any thread.
  void Cut();

 private:
  class HttpServer;
  const std::unique_ptr<HttpServer> http_;
};

}  // namespace dedup::sidecar
