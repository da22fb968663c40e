#include "http_sidecar/server/server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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
#include <utility>

#include "http_sidecar/base/heap.h"
#include "http_sidecar/base/stderr_log.h"
#include "http_sidecar/base/time.h"
#include "http_sidecar/net/address.h"
#include "http_sidecar/net/client_socket.h"
#include "http_sidecar/server/access_log.h"
#include "http_sidecar/server/admission.h"
#include "http_sidecar/server/answering.h"
#include "http_sidecar/server/bare_answer.h"
#include "http_sidecar/server/exchange.h"
#include "http_sidecar/server/http_library.h"
#include "http_sidecar/server/reception.h"
#include "http_sidecar/server/seats.h"
#include "http_sidecar/server/visit.h"
#include "http_sidecar/server/workers.h"

namespace dedup::sidecar {
namespace {

using Clock = std::chrono::steady_clock;
using Progress = ClientSocket::Progress;

constexpr std::size_t kThreads = 256;
constexpr std::size_t kSeats = kThreads - Workers::kWithoutSeatMax;
constexpr std::size_t kRequestsPerConnectionMax = 1'000'000;
constexpr std::chrono::seconds kIdlePatience{60};
constexpr std::chrono::seconds kHeadPatience{15};
constexpr std::chrono::seconds kSeatPatience{10};
// Who asks at once again need not wait for a thread, as long as there are some.
constexpr std::chrono::milliseconds kNextRequestPatience{20};
constexpr std::size_t kHeadBytesFree = std::size_t{4} * 1024;  // not counted
constexpr std::size_t kMemoryWorthATrim = std::size_t{16} << 20;
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
  // It fits, for nothing was sent before. What the client goes on sending is taken in, as far as it has come, so that
  // the answer is not lost in a reset.
  const std::unique_ptr<Connection> bare = MakePlainConnection(dup(fd));
  bare->Send(BareAnswer(ProblemAnswer({problems::kMalformedRequest, "this port takes HTTPS, not HTTP"})),
             /*more_follows=*/false);
  bare->EndSending();
  for (char ignored[4096]; bare->Receive(ignored, sizeof ignored).bytes > 0;) {
  }
}

// What the calling thread is at: the library gives its handlers no way to it.
thread_local Exchange* exchange_at_work = nullptr;

}  // namespace

class Server::HttpServer : public LibraryServer {
 public:
  HttpServer(Api* api, const ServerOptions& options)
      : api_(api),
        options_(options),
        admission_(api->tokens, options.limits),
        answering_(api, options.limits.cors_origin),
        seats_(kSeats, [this](std::unique_ptr<Visit> visit) { Attend(std::move(visit)); }) {
    set_tcp_nodelay(true);
    // Not the library's SO_REUSEPORT, by which a second sidecar would quietly take a share of the first one's requests.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    SetHandlers();
  }

  int Listen(const std::string& host, int port) {
    errno = 0;
    const int bound_port = port == 0 ? bind_to_any_port(host) : bind_to_port(host, port) ? port : -1;
    if (bound_port < 0) {
      throw std::runtime_error("cannot listen on " + host + ":" + std::to_string(port) + ": " +
                               (errno != 0 ? std::strerror(errno) : "no such address"));
    }
    // Again, for the library lets only 5 connections wait.
    ::listen(listening_fd(), kBacklog);
    fcntl(listening_fd(), F_SETFL, fcntl(listening_fd(), F_GETFL) | O_NONBLOCK);
    return bound_port;
  }

  bool is_loopback() const { return IsOnLoopback(listening_fd()); }

  void RequireLocalHost(std::vector<std::string> names) { admission_.RequireLocalHost(std::move(names)); }

  void SetTls(std::shared_ptr<const Tls> tls) {
    {
      const std::lock_guard lock(tls_mutex_);
      std::swap(tls_, tls);
      if (tls == nullptr || tls->AsksForTheSameAs(*tls_)) return;
      tls->Distrust();
    }
    const std::lock_guard lock(parts_mutex_);
    if (reception_ == nullptr) return;
    reception_->Close(
        [](const Visit& visit) { return visit.connection != nullptr && !visit.connection->is_trusted(); });
  }

  bool Serve() {
    const std::uint32_t per_address = options_.limits.connections_per_address;
    Answer too_many = ProblemAnswer(
        {problems::kTooManyConnections, "this address has " + std::to_string(per_address) + " connections already"});
    too_many.headers.emplace_back("Retry-After", "1");
    const bool has_tls = CurrentTls() != nullptr;
    Reception reception({.connections_max = options_.connections_max,
                         .connections_per_address_max = per_address,
                         .refusal = has_tls ? "" : BareAnswer(too_many)},
                        {.on_ready = [this](std::unique_ptr<Visit> visit) { Attend(std::move(visit)); },
                         .on_tick = [this] { OnTick(); }});
    Workers workers(kThreads, [this](std::unique_ptr<Visit> visit) { Work(std::move(visit)); });
    {
      const std::lock_guard lock(parts_mutex_);
      reception_ = &reception;
      workers_ = &workers;
      if (stopping_) reception.Stop();
    }
    const bool was_stopped = reception.Run(listening_fd());
    workers.Stop();  // when those at work have come to their end
    // Whoever is left has a place in the reception.
    api_->watchers.Stop();
    seats_.TakeWaiting(Clock::time_point::max());
    const std::lock_guard lock(parts_mutex_);
    reception_ = nullptr;
    workers_ = nullptr;
    return was_stopped;
  }

  void Stop() {
    stopping_ = true;
    api_->watchers.Stop();
    {
      const std::lock_guard lock(parts_mutex_);
      if (reception_ != nullptr) reception_->Stop();
    }
    StopListening();
  }

  void Cut() { is_cut_ = true; }

 private:
  // What is to become of a visit.
  enum class Fate {
    kNeedsSeat,
    kYields,   // it goes on when others have had their turn
    kAwaits,   // that the client sends or takes something
    kLingers,  // it has been answered, and may go on sending
    kEnds,
  };

  void SetHandlers() {
    set_pre_routing_handler([this](const auto&, auto& response) {
      answering_.AnswerTo(exchange_at_work, &response);
      return HandlerResponse::Handled;
    });
    set_post_routing_handler([this](const auto&, auto& response) {
      exchange_at_work->status = response.status;
      answering_.Complete(*exchange_at_work, &response);
      SetConnection(*exchange_at_work, &response);
    });
    set_exception_handler([](const auto&, auto& response, std::exception_ptr exception) {
      SetAnswer(ProblemAnswer({problems::kInternalError, "an error inside the sidecar; its log says more"}), &response);
      const RequestHead& head = exchange_at_work->head;
      try {
        std::rethrow_exception(std::move(exception));
      } catch (const std::exception& error) {
        Log("error at " + head.method + " " + head.path + ": " + error.what());
      } catch (...) {
        Log("unknown error at " + head.method + " " + head.path);
      }
    });
  }

  // To the next worker that is free. Threading: any thread that serves.
  void Attend(std::unique_ptr<Visit> visit) { workers_->Give(std::move(visit)); }

  // On a worker.
  void Work(std::unique_ptr<Visit> visit) noexcept {
    while (visit != nullptr) {
      const Fate fate = FateOf(visit.get());
      try {
        if (fate == Fate::kNeedsSeat) {
          visit = seats_.Enter(std::move(visit));
          if (visit != nullptr) workers_->GotSeat();
          continue;
        }
        seats_.Leave(visit.get());
        if (fate == Fate::kYields) {
          Attend(std::move(visit));
        } else if (fate == Fate::kAwaits) {
          const auto deadline = DeadlineOf(visit.get());
          const short awaited = visit->socket->awaited();
          reception_->Await(std::move(visit), awaited, deadline);
        } else if (fate == Fate::kLingers) {
          visit->connection->EndSending();
          reception_->Linger(std::move(visit->connection));
        }
      } catch (const std::exception& error) {  // out of memory
        Log(std::string("a connection was cut: ") + error.what());
      }
      return;
    }
  }

  Fate FateOf(Visit* visit) noexcept {
    try {
      return ServeRequests(visit);
    } catch (const std::exception& error) {
      Log(std::string("a connection was cut: ") + error.what());
    } catch (...) {
      Log("a connection was cut after an unknown error");
    }
    return Fate::kEnds;
  }

  Fate ServeRequests(Visit* visit) {
    for (;;) {
      if (visit->exchange == nullptr) {
        switch (ReadHead(visit)) {
          case Progress::kAwaits:
            return Fate::kAwaits;
          case Progress::kGone:
            if (visit->connection->is_without_tls()) RefusePlainHttp(visit->fd());
            return Fate::kEnds;
          case Progress::kDone:
            Admit(visit);
        }
      }
      if (!visit->connection->is_trusted()) return Fate::kEnds;
      Exchange& exchange = *visit->exchange;
      if (exchange.may_wait() && !visit->has_seat) return Fate::kNeedsSeat;
      visit->may_wait = visit->has_seat;
      const std::size_t sent_bytes = visit->socket->sent_bytes();
      visit->socket->BeginBody();
      const bool is_whole = MakeAnswer(&exchange);
      const bool is_sent = visit->socket->Flush();
      if (exchange.status != 0) Report(exchange, visit, visit->socket->sent_bytes() - sent_bytes);
      if (!is_sent) return Fate::kEnds;
      if (exchange.is_unread()) return Fate::kLingers;
      if (!is_whole) return Fate::kEnds;
      if (exchange.take_over) {
        exchange.take_over(std::move(visit->connection));
        return Fate::kEnds;
      }
      if (exchange.must_close() || stopping_) return Fate::kEnds;
      seats_.Leave(visit);
      visit->exchange.reset();
      visit->may_wait = false;
      --visit->requests_left;
      if (workers_->idle_count() > 2 * Workers::kWithoutSeatMax) visit->socket->AwaitInput(kNextRequestPatience);
      if (!workers_->MayGoOnWithoutSeat()) return Fate::kYields;
    }
  }

  // As far as its bytes have come.
  Progress ReadHead(Visit* visit) {
    if (visit->connection == nullptr) Open(visit);
    if (!visit->is_shaken) {
      if (const Progress progress = visit->socket->TryHandshake(); progress != Progress::kDone) return progress;
      visit->is_shaken = true;
      visit->head_deadline = {};
    }
    const Clock::time_point now = Clock::now();
    if (!visit->head.has_begun()) visit->request_begin = now;
    const Progress progress = visit->head.ReadSome(visit->socket.get());
    const std::size_t memory_bytes = visit->head.memory_bytes();
    const bool fits = memory_bytes <= kHeadBytesFree || visit->memory.Resize(memory_bytes);
    return fits ? progress : Progress::kGone;
  }

  void Open(Visit* visit) {
    const int fd = visit->arrived.get();
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (options_.logs_requests) visit->peer = PeerOf(fd);
    const std::shared_ptr<const Tls> tls = CurrentTls();
    visit->connection =
        tls == nullptr ? MakePlainConnection(visit->arrived.Release()) : tls->Accept(visit->arrived.Release());
    visit->connection->Keep(std::move(visit->place));
    visit->socket =
        std::make_unique<ClientSocket>(visit->connection.get(), [this, visit] { return PatienceFor(*visit); });
    visit->memory = FairBudget::Share(&api_->memory, " " + visit->network);
    visit->requests_left = kRequestsPerConnectionMax;
  }

  void Admit(Visit* visit) {
    visit->head_deadline = {};
    visit->exchange = std::make_unique<Exchange>(visit->connection.get(), visit->socket.get(), visit->head.Take());
    Exchange& exchange = *visit->exchange;
    if (options_.logs_requests) exchange.request_id = RequestId(exchange.head.Header("X-Request-Id"));
    if (visit->requests_left == 1) exchange.is_last = true;
    admission_.Admit(visit->network, &exchange);
    exchange.memory = FairBudget::Share(&api_->memory, exchange.client);
  }

  static Clock::time_point DeadlineOf(Visit* visit) {
    const Clock::time_point now = Clock::now();
    if (visit->is_shaken && !visit->head.has_begun()) return now + kIdlePatience;
    if (visit->head_deadline == Clock::time_point{}) visit->head_deadline = now + kHeadPatience;
    return visit->head_deadline;
  }

  Patience PatienceFor(const Visit& visit) const {
    if (is_cut_ || !visit.may_wait) return kNoPatience;
    return api_->memory.is_short() || seats_.AreShortFor(visit) ? kPatienceInCrowd : kPatience;
  }

  // On the reception's thread.
  void OnTick() {
    TurnAwayWhoWaitsInVain();
    memory_peak_ = std::max(memory_peak_, api_->memory.taken());
    if (memory_peak_ > kMemoryWorthATrim && api_->memory.taken() < kMemoryWorthATrim / 4) {
      memory_peak_ = 0;
      TrimHeap();
    }
  }

  // Those who have found no seat for long are told so.
  void TurnAwayWhoWaitsInVain() {
    for (auto& visit : seats_.TakeWaiting(Clock::now() - kSeatPatience)) {
      visit->exchange->refusal = ProblemAnswer(
          {problems::kBusy, "too many requests are at work, or too many of this client's own; try again later"});
      Attend(std::move(visit));
    }
  }

  // False when the answer, or the connection, ended before its time.
  bool MakeAnswer(Exchange* exchange) {
    LibraryStream stream(exchange->socket);
    exchange_at_work = exchange;
    return ServeRequest(&stream, [exchange](httplib::Request& request) {
      if (exchange->head.problem) return;
      request.method = exchange->head.method;
      request.path = exchange->head.path;
    });
  }

  void Report(const Exchange& exchange, const Visit* visit, std::size_t bytes) {
    const Clock::duration took = Clock::now() - visit->request_begin;
    api_->request_durations.Observe(exchange.route(), exchange.status, took);
    if (!options_.logs_requests) return;
    WriteLine(AccessLine({.method = exchange.head.method,
                          .target = exchange.head.target,
                          .status = exchange.status,
                          .bytes = bytes,
                          .took = took,
                          .client = visit->peer,
                          .request_id = exchange.request_id},
                         NowUs()));
  }

  std::shared_ptr<const Tls> CurrentTls() {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }

  Api* const api_;
  const ServerOptions options_;
  Admission admission_;
  const Answering answering_;
  Seats seats_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> is_cut_ = false;
  std::size_t memory_peak_ = 0;  // the reception's thread's: since the heap was trimmed
  std::mutex tls_mutex_;
  std::shared_ptr<const Tls> tls_;  // guarded by tls_mutex_
  std::mutex parts_mutex_;
  // While it serves. Set before the first visit, so those who have one need no lock; for others guarded by
  // parts_mutex_.
  Reception* reception_ = nullptr;
  Workers* workers_ = nullptr;
};

Server::Server(Api* api, const ServerOptions& options) : http_(std::make_unique<HttpServer>(api, options)) {}
Server::~Server() = default;
int Server::Listen(const std::string& host, int port) { return http_->Listen(host, port); }
void Server::RequireLocalHost(std::vector<std::string> names) { http_->RequireLocalHost(std::move(names)); }
void Server::SetTls(std::shared_ptr<const Tls> tls) { http_->SetTls(std::move(tls)); }
bool Server::Serve() { return http_->Serve(); }
bool Server::is_loopback() const { return http_->is_loopback(); }
void Server::Stop() { http_->Stop(); }
void Server::Cut() { http_->Cut(); }

}  // namespace dedup::sidecar
