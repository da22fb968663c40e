// TLS for clients, by OpenSSL.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "http_sidecar/net/connection.h"

struct ssl_ctx_st;

namespace dedup::sidecar {

/// In PEM.
struct TlsFiles {
  std::filesystem::path certificate;  ///< and those that lead from it to the root, if clients do not know them
  std::filesystem::path key;          ///< without a passphrase
  std::optional<std::filesystem::path> client_ca;
};

/// The server's side of TLS 1.2 and 1.3. With a `client_ca` every client must show a certificate that it has signed.
/// Threading: any thread.
class Tls {
 public:
  /// Errors: std::runtime_error, with the file and what is wrong with it.
  explicit Tls(const TlsFiles& files);

  /// Takes over the socket. Errors: std::runtime_error; the socket is closed then.
  std::unique_ptr<Connection> Accept(int fd) const;

  /// Whether whom the one lets in the other does too.
  bool AsksForTheSameAs(const Tls& other) const { return client_ca_ == other.client_ca_; }
  /// From now on the connections that were accepted are not trusted any more, see Connection::is_trusted.
  void Distrust() const { *is_trusted_ = false; }

 private:
  const std::string client_ca_;  // what the file holds
  const std::shared_ptr<ssl_ctx_st> context_;
  const std::shared_ptr<std::atomic<bool>> is_trusted_ = std::make_shared<std::atomic<bool>>(true);
};

}  // namespace dedup::sidecar
