#include "http_sidecar/server/server.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "http_sidecar/base/stderr_log.h"
#include "http_sidecar/base/time.h"
#include "http_sidecar/net/address.h"
#include "http_sidecar/net/client_socket.h"
#include "http_sidecar/net/connection_counts.h"
#include "http_sidecar/server/access_log.h"
#include "http_sidecar/server/admission.h"
#include "http_sidecar/server/answering.h"
#include "http_sidecar/server/exchange.h"
#include "http_sidecar/server/http_library.h"
#include "http_sidecar/server/request_head.h"

namespace dedup::sidecar {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kThreads = 256;
constexpr std::size_t kRequestsPerConnectionMax = 1'000'000;
constexpr std::chrono::seconds kIdlePatience{60};
// An idle connection holds a thread. Where threads run short, it must give way to those that wait.
constexpr std::size_t kCrowd = kThreads * 3 / 4;
constexpr std::chrono::seconds kIdlePatienceInCrowd{1};
constexpr int kBacklog = 1024;

// Says whether another request may follow, whatever the library would say.
void SetConnection(const Exchange& exchange, httplib::Response* response) {
  for (const char* const name : {"Connection", "Keep-Alive"}) response->headers.erase(name);
  if (exchange.must_close()) return response->set_header("Connection", "close");
  response->set_header("Keep-Alive", "timeout=" + std::to_string(kIdlePatience.count()) +
                                         ", max=" + std::to_string(kRequestsPerConnectionMax));
}

// In the clear, for whoever did not know that this port takes TLS.
void RefusePlainHttp(int fd) {
  const Answer answer = ProblemAnswer({problems::kMalformedRequest, "this port takes HTTPS, not HTTP"});
  const std::string text = "HTTP/1.1 400 Bad Request\r\nContent-Type: " + answer.content_type +
                           "\r\nContent-Length: " + std::to_string(answer.body.size()) +
                           "\r\nConnection: close\r\n\r\n" + answer.body;
  // It fits, for nothing was sent before. What the client goes on sending is taken in, as far as it has come, so that
  // the answer is not lost in a reset.
  const std::unique_ptr<Connection> bare = MakePlainConnection(dup(fd));
  bare->Send(text, /*more_follows=*/false);
  bare->EndSending();
  for (char ignored[4096]; bare->Receive(ignored, sizeof ignored).bytes > 0;) {
  }
}

// What the calling thread is at: the library gives its handlers no way to the connection.
struct AtWork {
  Exchange* exchange = nullptr;
  LibraryStream* stream = nullptr;
};
thread_local AtWork at_work;

}  // namespace

class Server::HttpServer : public LibraryServer {
 public:
  HttpServer(Api* api, const ClientLimits& limits)
      : api_(api),
        admission_(api->tokens, limits),
        answering_(api, limits.cors_origin),
        connection_counts_(limits.connections_per_address),
        stop_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (stop_fd_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
    new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    set_tcp_nodelay(true);
    // Not the library's SO_REUSEPORT, by which a second sidecar would quietly take a share of the first one's requests.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    SetHandlers();
  }
  ~HttpServer() override { close(stop_fd_); }

  int Listen(const std::string& host, int port) {
    errno = 0;
    const int bound_port = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
    if (bound_port < 0) {
      throw std::runtime_error("cannot listen on " + host + ":" + std::to_string(port) + ": " +
                               (errno != 0 ? std::strerror(errno) : "no such address"));
    }
    // Again, for the library lets only 5 connections wait.
    ::listen(listening_fd(), kBacklog);
    return bound_port;
  }

  bool is_loopback() const { return IsOnLoopback(listening_fd()); }

  void RequireLocalHost(std::string own_name) { admission_.RequireLocalHost(std::move(own_name)); }

  void LogRequests() { logs_requests_ = true; }

  void SetTls(std::shared_ptr<const Tls> tls) {
    const std::lock_guard lock(tls_mutex_);
    tls_ = std::move(tls);
  }

  bool Serve() { return listen_after_bind() || stopping_; }

  void Stop() {
    stopping_ = true;
    eventfd_write(stop_fd_, 1);
    api_->watchers.Stop();
    StopListening();
  }

 private:
  void SetHandlers() {
    set_pre_routing_handler([this](const auto&, auto& response) {
      const bool is_answered = answering_.AnswerHead(at_work.exchange, &response);
      return is_answered ? HandlerResponse::Handled : HandlerResponse::Unhandled;
    });
    for (const Endpoint& endpoint : kEndpoints) {
      if (!endpoint.is_post) continue;
      Post(std::string(endpoint.path), [this](const auto&, auto& response, const auto& read_content) {
        answering_.AnswerBody(at_work.exchange, at_work.stream, read_content, &response);
      });
    }
    set_post_routing_handler([this](const auto&, auto& response) {
      at_work.stream->EndBody();
      at_work.exchange->status = response.status;
      answering_.Complete(*at_work.exchange, &response);
      SetConnection(*at_work.exchange, &response);
    });
    set_exception_handler([](const auto&, auto& response, std::exception_ptr exception) {
      SetAnswer(ProblemAnswer({problems::kInternalError, "an error inside the sidecar; its log says more"}), &response);
      const RequestHead& head = at_work.exchange->head;
      try {
        std::rethrow_exception(std::move(exception));
      } catch (const std::exception& error) {
        Log("error at " + head.method + " " + head.path + ": " + error.what());
      } catch (...) {
        Log("unknown error at " + head.method + " " + head.path);
      }
    });
  }

  void ServeConnection(int fd) noexcept override {
    ++connection_count_;
    try {
      const std::shared_ptr<const Tls> tls = CurrentTls();
      auto connection = tls == nullptr ? MakePlainConnection(fd) : tls->Accept(fd);
      connection->Keep(connection_counts_.Enter(NetworkOf(fd)));
      ServeRequests(std::move(connection));
    } catch (const std::exception& error) {
      Log(std::string("a connection was cut: ") + error.what());
    } catch (...) {
      Log("a connection was cut after an unknown error");
    }
    --connection_count_;
  }

  void ServeRequests(std::unique_ptr<Connection> connection) {
    const Client client{.network = NetworkOf(connection->fd()), .is_welcome = connection->has_place()};
    const std::string peer = logs_requests_ ? PeerOf(connection->fd()) : "";
    const auto is_hurried = [this, &client] { return connection_count_ > kCrowd || !client.is_welcome; };
    ClientSocket socket(connection.get(), stop_fd_, is_hurried);
    if (!socket.Handshake()) {
      if (connection->is_without_tls()) RefusePlainHttp(connection->fd());
      return;
    }
    for (std::size_t left = kRequestsPerConnectionMax; left > 0 && AwaitRequest(&socket, is_hurried); --left) {
      const Clock::time_point begin = Clock::now();
      const std::size_t sent_bytes = socket.sent_bytes();
      std::optional<RequestHead> head = ReadHead(&socket);
      if (!head) return socket.Drain();
      Exchange exchange(&socket, *std::move(head));
      if (logs_requests_) exchange.request_id = RequestId(exchange.head.Header("X-Request-Id"));
      if (left == 1) exchange.is_last = true;
      admission_.Admit(client, &exchange);
      socket.BeginBody();
      const bool is_whole = MakeAnswer(&exchange);
      const bool is_sent = socket.Flush();
      if (exchange.status != 0) Report(exchange, Clock::now() - begin, socket.sent_bytes() - sent_bytes, peer);
      if (!is_sent) return;
      if (exchange.is_unread()) return socket.Drain();
      if (!is_whole) return;
      if (exchange.take_over) return exchange.take_over(std::move(connection));
      if (exchange.must_close() || stopping_) return;
    }
  }

  template <class IsHurried>
  static bool AwaitRequest(ClientSocket* socket, IsHurried is_hurried) {
    for (std::chrono::seconds idle{0}; idle < (is_hurried() ? kIdlePatienceInCrowd : kIdlePatience); ++idle) {
      const ClientSocket::Arrival arrival = socket->AwaitRequest(std::chrono::seconds(1));
      if (arrival != ClientSocket::Arrival::kNothing) return arrival == ClientSocket::Arrival::kRequest;
    }
    return false;
  }

  // False when the answer, or the connection, ended before its time.
  bool MakeAnswer(Exchange* exchange) {
    LibraryStream stream(exchange->socket);
    at_work = {.exchange = exchange, .stream = &stream};
    return ServeRequest(&stream, [exchange](httplib::Request& request) { Answering::Prepare(*exchange, &request); });
  }

  void Report(const Exchange& exchange, Clock::duration took, std::size_t bytes, const std::string& peer) {
    api_->request_durations.Observe(exchange.route(), exchange.status, took);
    if (!logs_requests_) return;
    WriteLine(AccessLine({.method = exchange.head.method,
                          .target = exchange.head.target,
                          .status = exchange.status,
                          .bytes = bytes,
                          .took = took,
                          .client = peer,
                          .request_id = exchange.request_id},
                         NowUs()));
  }

  std::shared_ptr<const Tls> CurrentTls() {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }

  Api* const api_;
  Admission admission_;
  const Answering answering_;
  ConnectionCounts connection_counts_;
  const int stop_fd_;
  bool logs_requests_ = false;
  std::mutex tls_mutex_;
  std::shared_ptr<const Tls> tls_;  // guarded by tls_mutex_
  std::atomic<bool> stopping_ = false;
  std::atomic<std::size_t> connection_count_ = 0;
};

Server::Server(Api* api, ClientLimits limits) : http_(std::make_unique<HttpServer>(api, std::move(limits))) {}
Server::~Server() = default;
int Server::Listen(const std::string& host, int port) { return http_->Listen(host, port); }
void Server::RequireLocalHost(std::string own_name) { http_->RequireLocalHost(std::move(own_name)); }
void Server::LogRequests() { http_->LogRequests(); }
void Server::SetTls(std::shared_ptr<const Tls> tls) { http_->SetTls(std::move(tls)); }
bool Server::Serve() { return http_->Serve(); }
bool Server::is_loopback() const { return http_->is_loopback(); }
void Server::Stop() { http_->Stop(); }

}  // namespace dedup::sidecar
