#include "http_sidecar/net/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

#include "http_sidecar/base/why_unreadable.h"

namespace dedup::sidecar {
namespace {

constexpr char kCertificate[] = "the certificate";
constexpr char kKey[] = "the key";
constexpr char kClientCa[] = "the clients' CA";

// The first of what OpenSSL complains of is the cause.
std::string TakeReason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return reason == nullptr ? "OpenSSL does not say why" : reason;
}

// `takes`: what is to be in the file.
void CheckFile(int result, const char* what, const std::filesystem::path& path, const char* takes) {
  if (result == 1) return;
  throw std::runtime_error(std::string(what) + " " + path.string() + ": " + TakeReason() + "; it takes " + takes);
}

// A key with a passphrase must not make it ask on the terminal.
int NoPassphrase(char*, int, int, void*) { return -1; }

class TlsConnection : public Connection {
 public:
  // Takes over `ssl` too.
  TlsConnection(int fd, SSL* ssl, std::shared_ptr<const std::atomic<bool>> is_trusted)
      : Connection(fd), ssl_(ssl), is_trusted_(std::move(is_trusted)) {}
  ~TlsConnection() override {
    EndSession();
    SSL_free(ssl_);
  }

  Moved Handshake() override {
    return MovedBy([this](std::size_t* bytes) {
      *bytes = 1;
      return SSL_accept(ssl_);
    });
  }
  Moved Receive(char* data, std::size_t size) override {
    return MovedBy([&](std::size_t* bytes) { return SSL_read_ex(ssl_, data, size, bytes); });
  }
  Moved Send(std::string_view data, bool) override {
    return MovedBy([&](std::size_t* bytes) { return SSL_write_ex(ssl_, data.data(), data.size(), bytes); });
  }
  bool has_unread() const override { return SSL_pending(ssl_) > 0; }
  bool is_without_tls() const override { return is_without_tls_; }
  bool is_trusted() const override { return *is_trusted_; }
  void EndSending() override {
    EndSession();
    Connection::EndSending();
  }

 private:
  template <class Call>
  Moved MovedBy(Call call) {
    // Else an error of another connection, which this thread served before, would count as ours.
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = call(&bytes);
    if (result == 1) return {.bytes = bytes};
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ) return {.awaited = POLLIN};
    if (error == SSL_ERROR_WANT_WRITE) return {.awaited = POLLOUT};
    is_without_tls_ = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
    is_broken_ = true;
    return {};
  }

  void EndSession() {
    // After an error, or while the handshake is under way, there is nothing to end.
    if (is_broken_ || SSL_in_init(ssl_) || (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0) return;
    ERR_clear_error();
    SSL_shutdown(ssl_);
  }

  SSL* const ssl_;
  const std::shared_ptr<const std::atomic<bool>> is_trusted_;
  bool is_broken_ = false;
  bool is_without_tls_ = false;
};

// OpenSSL would wait for who writes into a pipe.
void CheckReadable(const char* what, const std::filesystem::path& path) {
  if (const std::string why = WhyUnreadable(path); !why.empty()) {
    throw std::runtime_error(std::string(what) + " " + path.string() + ": " + why);
  }
}

std::string ContentOf(const std::optional<std::filesystem::path>& path) {
  if (!path) return {};
  CheckReadable(kClientCa, *path);
  std::ifstream file(*path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::shared_ptr<SSL_CTX> MakeContext(const TlsFiles& files) {
  CheckReadable(kCertificate, files.certificate);
  CheckReadable(kKey, files.key);
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> shared(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX* const context = shared.get();
  if (context == nullptr) throw std::runtime_error("TLS: " + TakeReason());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  // A retry may come from another place in memory; idle connections keep no buffers, for there may be many.
  SSL_CTX_set_mode(context,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, NoPassphrase);
  CheckFile(SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()), kCertificate, files.certificate,
            "a certificate in PEM");
  CheckFile(SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM), kKey, files.key,
            "the certificate's key in PEM, without a passphrase");
  if (!files.client_ca) return shared;
  CheckFile(SSL_CTX_load_verify_file(context, files.client_ca->c_str()), kClientCa, *files.client_ca,
            "certificates in PEM");
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(files.client_ca->c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Without one, OpenSSL resumes no session of a client that has shown a certificate, and cuts it off.
  constexpr unsigned char kSessionContext[] = "mosquitto-dedup";
  SSL_CTX_set_session_id_context(context, kSessionContext, sizeof kSessionContext);
  return shared;
}

}  // namespace

Tls::Tls(const TlsFiles& files) : client_ca_(ContentOf(files.client_ca)), context_(MakeContext(files)) {}

std::unique_ptr<Connection> Tls::Accept(int fd) const {
  SSL* const ssl = SSL_new(context_.get());
  const int flags = fcntl(fd, F_GETFL);
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    SSL_free(ssl);
    close(fd);
    throw std::runtime_error("TLS: " + TakeReason());
  }
  return std::make_unique<TlsConnection>(fd, ssl, is_trusted_);
}

}  // namespace dedup::sidecar
