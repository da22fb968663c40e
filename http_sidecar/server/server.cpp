#include "http_sidecar/server/server.h"

#include <httplib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <exception>
#include <iterator>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "http_sidecar/base/ascii.h"
#include "http_sidecar/base/stderr_log.h"
#include "http_sidecar/base/time.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/http/origin.h"
#include "http_sidecar/net/address.h"
#include "http_sidecar/net/body_reader.h"
#include "http_sidecar/net/client_socket.h"
#include "http_sidecar/net/connection_counts.h"
#include "http_sidecar/server/access_log.h"
#include "http_sidecar/server/request_rate.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kBodyBytesMax = std::size_t{16} << 20;
constexpr std::size_t kThreads = 256;
constexpr std::size_t kRequestsPerConnectionMax = 1'000'000;
constexpr std::chrono::seconds kIdlePatience{60};
// An idle connection holds a thread. Where threads run short, it must give way to those that wait.
constexpr std::size_t kCrowd = kThreads * 3 / 4;
constexpr std::chrono::seconds kIdlePatienceInCrowd{1};
constexpr int kBacklog = 1024;

constexpr std::string_view kOtherRoute = "other";
constexpr char kBodyTooLarge[] = "the body is larger than 16 MiB; send the events in several requests";

void Set(httplib::Response& response, Answer answer) {
  response.status = answer.status;
  response.body = std::move(answer.body);
  response.headers.erase("Content-Type");
  response.set_header("Content-Type", answer.content_type);
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
}

/// How a request announces its body.
struct Framing {
  std::size_t length_count = 0;
  std::size_t coding_count = 0;
  std::string length;            // Content-Length
  std::string coding;            // Transfer-Encoding
  std::string content_encoding;  // Content-Encoding
  std::string content_type;      // Content-Type

  bool has_body() const { return coding_count > 0 || (length_count > 0 && length != "0"); }
  bool is_chunked() const { return coding_count > 0; }
  // A stream of events, of any length.
  bool is_lines() const {
    const std::string type = content_type.substr(0, content_type.find_first_of("; \t"));
    return EqualsIgnoringCase(type, "application/x-ndjson") || EqualsIgnoringCase(type, "application/ndjson");
  }

  // What is wrong with it. Strict, because two readings of where a request ends are how requests are smuggled past a
  // proxy.
  std::optional<Problem> Check() const {
    if (coding_count + length_count > 1) {
      return Problem{problems::kMalformedRequest, "a body takes one of Transfer-Encoding and Content-Length, once"};
    }
    if (is_chunked() && !EqualsIgnoringCase(coding, "chunked")) {
      return Problem{problems::kMalformedRequest, "the only Transfer-Encoding that is understood is chunked"};
    }
    if (length.find_first_not_of("0123456789") != std::string::npos) {
      return Problem{problems::kMalformedRequest, "Content-Length takes a number"};
    }
    constexpr std::size_t kDigitsMax = 18;
    const bool fits =
        length.empty() || (length.size() <= kDigitsMax && (is_lines() || std::stoull(length) <= kBodyBytesMax));
    if (!fits) return Problem{problems::kTooLarge, kBodyTooLarge};
    return std::nullopt;
  }

  std::optional<Problem> CheckForPost() const {
    if (!has_body()) {
      return Problem{problems::kMalformedRequest, "the body is empty; it takes an event or an array of events in JSON"};
    }
    // The library undoes gzip for a body that is read whole.
    const bool is_gzip = EqualsIgnoringCase(content_encoding, "gzip") && !is_lines();
    if (!content_encoding.empty() && !EqualsIgnoringCase(content_encoding, "identity") && !is_gzip) {
      return Problem{problems::kUnsupportedEncoding,
                     "the only Content-Encoding that is understood is gzip, and none for application/x-ndjson"};
    }
    return std::nullopt;
  }
};

// Reads how the body is announced, and takes out what the library would obey but must not: answers are neither cut into
// ranges nor compressed, and a body is JSON whatever its type is said to be.
Framing TakeHeaders(httplib::Headers* headers) {
  Framing framing;
  for (auto header = headers->begin(); header != headers->end();) {
    const auto& [name, value] = *header;
    if (EqualsIgnoringCase(name, "Content-Length")) {
      ++framing.length_count;
      framing.length = value;
    } else if (EqualsIgnoringCase(name, "Transfer-Encoding")) {
      ++framing.coding_count;
      framing.coding = value;
    } else if (EqualsIgnoringCase(name, "Content-Encoding")) {
      framing.content_encoding = value;
      if (EqualsIgnoringCase(value, "gzip")) header->second = "gzip";  // the library looks at the case
    } else if (EqualsIgnoringCase(name, "Content-Type")) {
      framing.content_type = value;
    }
    const bool is_unwanted = EqualsIgnoringCase(name, "Range") || EqualsIgnoringCase(name, "Accept-Encoding") ||
                             EqualsIgnoringCase(name, "Content-Type");
    header = is_unwanted ? headers->erase(header) : std::next(header);
  }
  return framing;
}

std::string HeaderOf(const httplib::Request& request, const char* name) {
  std::string value;
  const auto [begin, end] = request.headers.equal_range(name);
  for (auto header = begin; header != end; ++header) value.append(value.empty() ? "" : ", ").append(header->second);
  return value;
}

HeaderReader HeadersOf(const httplib::Request& request) {
  return [&request](const char* name) { return HeaderOf(request, name); };
}

void AddHeaders(const HeaderList& headers, httplib::Response* response) {
  for (const auto& [name, value] : headers) response->set_header(name, value);
}

std::vector<std::pair<std::string, std::string>> HeadersAfter(const httplib::Request& request,
                                                              std::string_view prefix) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [name, value] : request.headers) {
    if (EqualsIgnoringCase(name.substr(0, prefix.size()), prefix))
      found.emplace_back(name.substr(prefix.size()), value);
  }
  return found;
}

// What goes before a chunk's bytes.
std::string ChunkHead(std::size_t size) {
  char digits[16];
  return std::string(digits, std::to_chars(std::begin(digits), std::end(digits), size, 16).ptr) + "\r\n";
}

// For the errors that the library finds by itself, in reading a request's head; it tells them apart by status alone.
Problem HeadProblem(int status, const ClientSocket& socket) {
  if (status == 414) return {problems::kTargetTooLong, "the request line is longer than 8 KiB"};
  if (status == 416) return {problems::kInvalidRange, "the Range header is malformed"};
  if (socket.head_is_too_large()) {
    return {problems::kHeadTooLarge, "the head is larger than 64 KiB, or a header longer than 8 KiB"};
  }
  return {problems::kMalformedRequest, "this is no HTTP request that can be understood"};
}

/// The library's view of a client's socket.
class SocketStream : public httplib::Stream {
 public:
  explicit SocketStream(ClientSocket* socket) : socket_(socket) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* data, size_t size) override { return socket_->Read(data, size); }
  ssize_t write(const char* data, size_t size) override {
    return socket_->Write({data, size}) ? static_cast<ssize_t>(size) : -1;
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return 0; }

 private:
  ClientSocket* const socket_;
};

/// What a client is told who asks too much.
struct Excess {
  Problem problem;
  std::chrono::seconds retry_after;
};

/// One request and its answer, as far as the connection is concerned.
struct Exchange {
  ClientSocket* socket;
  std::string_view client_network;
  bool is_welcome;  // else his connections are too many
  Framing framing = {};
  bool head_is_read = false;
  bool body_is_unread = false;
  bool is_http_1_0 = false;
  bool is_last = false;  // no request is to follow
  Caller caller = Caller::Stranger();
  std::optional<Excess> excess = {};
  std::optional<Problem> refusal = {};                              // for what the head says of him
  std::function<void(std::unique_ptr<Connection>)> take_over = {};  // who is to have the connection, if anybody
  std::string_view route = {};                                      // of the endpoints' table
  int status = 0;                                                   // 0 before there is an answer
  // For the access log.
  std::string method = {};
  std::string target = {};
  std::string request_id = {};  // empty where there is no such log

  // Where the next request begins is unknown, or there will be none.
  bool must_close() const { return !head_is_read || body_is_unread || is_http_1_0 || is_last || take_over; }
};

// The exchange that the calling thread is at: the library gives its handlers no way to the connection.
thread_local Exchange* current_exchange = nullptr;

}  // namespace

class Server::HttpServer : public httplib::Server {
 public:
  HttpServer(Api* api, ClientLimits limits)
      : api_(api),
        limits_(std::move(limits)),
        request_rate_(limits_.requests_per_s),
        connection_counts_(limits_.connections_per_address),
        stop_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (stop_fd_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
    new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    set_tcp_nodelay(true);
    set_keep_alive_timeout(kIdlePatience.count());
    set_keep_alive_max_count(kRequestsPerConnectionMax);
    // Not the library's SO_REUSEPORT, by which a second sidecar would quietly take a share of the first one's requests.
    set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    set_expect_100_continue_handler(
        [](const auto& request, auto& response) { return Refuse(request, response) ? response.status : 100; });
    set_pre_routing_handler([this](const auto& request, auto& response) {
      const bool handled = Refuse(request, response) || Route(request, response);
      return handled ? HandlerResponse::Handled : HandlerResponse::Unhandled;
    });
    for (const Endpoint& endpoint : kEndpoints) {
      if (!endpoint.is_post) continue;
      Post(std::string(endpoint.path), [this, &endpoint](const httplib::Request& request, httplib::Response& response,
                                                         const httplib::ContentReader& read_content) {
        HandlePost(endpoint, request, response, read_content);
      });
    }
    set_post_routing_handler([this](const auto& request, auto& response) {
      const Endpoint* const endpoint = FindEndpoint(request.path);
      current_exchange->route = endpoint == nullptr ? kOtherRoute : endpoint->path;
      current_exchange->status = response.status;
      if (!current_exchange->request_id.empty()) {
        response.set_header("X-Request-Id", current_exchange->request_id);
      }
      response.headers.erase("Accept-Ranges");
      // So that no browser takes an event for a page or a script.
      if (!response.has_header("X-Content-Type-Options")) response.set_header("X-Content-Type-Options", "nosniff");
      AddHeaders(CorsHeaders(limits_.cors_origin, HeadersOf(request)), &response);
      if (!current_exchange->must_close()) return;
      response.headers.erase("Keep-Alive");
      response.headers.erase("Connection");
      response.set_header("Connection", "close");
    });
    set_error_handler([](const auto&, auto& response) {
      if (response.body.empty()) Set(response, ProblemAnswer(HeadProblem(response.status, *current_exchange->socket)));
    });
    set_exception_handler([](const auto& request, auto& response, std::exception_ptr exception) {
      Set(response, ProblemAnswer({problems::kInternalError, "an error inside the sidecar; its log says more"}));
      try {
        std::rethrow_exception(std::move(exception));
      } catch (const std::exception& error) {
        Log("error at " + request.method + " " + request.path + ": " + error.what());
      } catch (...) {
        Log("unknown error at " + request.method + " " + request.path);
      }
    });
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
    ::listen(svr_sock_, kBacklog);
    return bound_port;
  }

  bool is_loopback() const { return IsOnLoopback(svr_sock_); }

  void RequireLocalHost(std::string own_name) { own_name_ = std::move(own_name); }

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
    // Not the library's stop(), which does nothing while it is not yet running.
    if (const socket_t socket = svr_sock_.exchange(INVALID_SOCKET); socket != INVALID_SOCKET) {
      shutdown(socket, SHUT_RDWR);
      ::close(socket);
    }
  }

 private:
  // Called on a thread of the pool, for each connection.
  bool process_and_close_socket(socket_t fd) override {
    ++connection_count_;
    try {
      const std::shared_ptr<const Tls> tls = CurrentTls();
      auto connection = tls == nullptr ? MakePlainConnection(fd) : tls->Accept(fd);
      connection->Keep(connection_counts_.Enter(NetworkOf(fd)));
      ServeConnection(std::move(connection));
    } catch (const std::exception& error) {
      Log(std::string("a connection was cut: ") + error.what());
    } catch (...) {
      Log("a connection was cut after an unknown error");
    }
    current_exchange = nullptr;
    --connection_count_;
    return true;
  }

  void ServeConnection(std::unique_ptr<Connection> connection) {
    const bool is_welcome = connection->has_place();
    ClientSocket socket(connection.get(), stop_fd_, [this, is_welcome] { return is_crowd() || !is_welcome; });
    if (!socket.Handshake()) {
      if (connection->is_without_tls()) RefusePlainHttp(connection->fd());
      return;
    }
    SocketStream stream(&socket);
    const std::string network = NetworkOf(connection->fd());
    const std::string client = logs_requests_ ? PeerOf(connection->fd()) : "";
    for (std::size_t left = kRequestsPerConnectionMax; left > 0 && AwaitRequest(&socket, is_welcome); --left) {
      const auto begin = std::chrono::steady_clock::now();
      const std::size_t sent_bytes = socket.sent_bytes();
      Exchange exchange{.socket = &socket, .client_network = network, .is_welcome = is_welcome};
      if (logs_requests_) exchange.request_id = RequestId("");
      current_exchange = &exchange;
      socket.BeginHead();
      bool connection_closed = false;
      const bool done = process_request(stream, left == 1, connection_closed,
                                        [&](httplib::Request& request) { Prepare(request, &exchange); });
      const bool is_sent = socket.Flush();
      if (exchange.status != 0) {
        const auto took = std::chrono::steady_clock::now() - begin;
        api_->request_durations.Observe(exchange.route, exchange.status, took);
        if (logs_requests_) {
          WriteLine(AccessLine({.method = exchange.method,
                                .target = exchange.target,
                                .status = exchange.status,
                                .bytes = socket.sent_bytes() - sent_bytes,
                                .took = took,
                                .client = client,
                                .request_id = exchange.request_id},
                               NowUs()));
        }
      }
      if (!is_sent) return;
      if (exchange.body_is_unread || !exchange.head_is_read) {
        socket.Drain();
        return;
      }
      if (!done) return;
      if (exchange.take_over) return exchange.take_over(std::move(connection));
      if (connection_closed || exchange.must_close() || stopping_) return;
    }
  }

  // In the clear, for whoever did not know.
  static void RefusePlainHttp(int fd) {
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

  bool is_crowd() const { return connection_count_ > kCrowd; }

  bool AwaitRequest(ClientSocket* socket, bool is_welcome) const {
    for (std::chrono::seconds idle{0}; idle < (is_crowd() || !is_welcome ? kIdlePatienceInCrowd : kIdlePatience);
         ++idle) {
      const ClientSocket::Arrival arrival = socket->AwaitRequest(std::chrono::seconds(1));
      if (arrival != ClientSocket::Arrival::kNothing) return arrival == ClientSocket::Arrival::kRequest;
    }
    return false;
  }

  // The head is read; nothing has been answered yet.
  void Prepare(httplib::Request& request, Exchange* exchange) {
    request.ranges.clear();
    exchange->framing = TakeHeaders(&request.headers);
    exchange->head_is_read = true;
    exchange->body_is_unread = exchange->framing.has_body();
    exchange->is_http_1_0 = request.version == "HTTP/1.0";
    exchange->socket->BeginBody();
    if (logs_requests_) {
      exchange->method = request.method;
      exchange->target = request.target;
      if (const std::string given = HeaderOf(request, "X-Request-Id"); !given.empty()) {
        exchange->request_id = RequestId(given);
      }
    }
    const std::optional<Caller> caller = api_->tokens->Find(HeaderOf(request, "Authorization"));
    if (caller) exchange->caller = *caller;
    exchange->excess = ExcessOf(*exchange);
    exchange->is_last = !exchange->is_welcome;
    const Endpoint* const endpoint = FindEndpoint(request.path);
    if (endpoint != nullptr) exchange->refusal = Refusal(endpoint->access, caller);
    // Without a token, what a browser sends at the wish of any page would count as its user's.
    if (!exchange->refusal && request.method == "POST" && exchange->caller.token() == nullptr &&
        IsForeign(limits_.cors_origin, HeadersOf(request))) {
      exchange->refusal = Problem{problems::kForeignPage, "a page may publish only to the server that it came from"};
    }
    if (const std::string host = HeaderOf(request, "Host");
        own_name_ && !host.empty() && !IsLocalHost(host, *own_name_)) {
      exchange->refusal = Problem{problems::kForeignPage,
                                  "without tokens Host takes localhost, an address or a name without a dot, so that "
                                  "no page of a name that leads here can read; --insecure takes any"};
    }
  }

  std::optional<Excess> ExcessOf(const Exchange& exchange) {
    if (!exchange.is_welcome) {
      return Excess{{problems::kTooManyConnections,
                     "this address has " + std::to_string(limits_.connections_per_address) + " connections already"},
                    std::chrono::seconds(1)};
    }
    // A blank is in no name.
    const std::string name = exchange.caller.name();
    const std::string client = name.empty() ? " " + std::string(exchange.client_network) : name;
    const auto wait = request_rate_.Excess(client, RequestRate::Clock::now());
    if (!wait) return std::nullopt;
    const std::string limit = std::to_string(limits_.requests_per_s);
    return Excess{{problems::kTooManyRequests, (name.empty() ? "this address" : "the token \"" + name + "\"") +
                                                   " may ask " + limit + " times a second"},
                  std::chrono::ceil<std::chrono::seconds>(*wait)};
  }

  // True when the answer is an error for which neither the body nor the api is needed.
  static bool Refuse(const httplib::Request& request, httplib::Response& response) {
    const Endpoint* const endpoint = FindEndpoint(request.path);
    const bool is_options = request.method == "OPTIONS";
    std::optional<Problem> problem;
    if (const auto& excess = current_exchange->excess) {
      response.set_header("Retry-After", std::to_string(excess->retry_after.count()));
      problem = excess->problem;
    } else if (endpoint == nullptr && !(is_options && request.path == "*")) {
      problem = Problem{problems::kNotFound, "Not Found"};
    } else if (!is_options && !endpoint->Takes(request.method)) {
      response.set_header("Allow", std::string(endpoint->allow()));
      problem = Problem{problems::kMethodNotAllowed,
                        "Method Not Allowed: " + request.path + " takes " + std::string(endpoint->allow())};
    } else if (!is_options && current_exchange->refusal) {
      problem = current_exchange->refusal;
    } else if (problem = current_exchange->framing.Check(); !problem && request.method == "POST") {
      problem = current_exchange->framing.CheckForPost();
    }
    if (!problem) return false;
    Set(response, ProblemAnswer(*problem));
    return true;
  }

  // False when the body must be read first.
  bool Route(const httplib::Request& request, httplib::Response& response) {
    const Endpoint* const endpoint = FindEndpoint(request.path);
    if (request.method == "OPTIONS") {
      response.set_header("Allow", endpoint == nullptr ? "GET, HEAD, POST, OPTIONS" : std::string(endpoint->allow()));
      if (endpoint != nullptr) {
        AddHeaders(PreflightHeaders(limits_.cors_origin, HeadersOf(request), endpoint->allow()), &response);
      }
      response.status = 200;
    } else if (endpoint->is_post && !current_exchange->framing.is_lines()) {
      return false;
    } else {
      Respond(*endpoint, request, {}, response);
    }
    return true;
  }

  void Respond(const Endpoint& endpoint, const httplib::Request& request, std::string body,
               httplib::Response& response) {
    Request asked{.caller = current_exchange->caller,
                  .target = request.target,
                  .path = request.path,
                  .body = std::move(body),
                  .content_type = current_exchange->framing.content_type,
                  .read_body = endpoint.is_post ? LinesReader() : nullptr,
                  .header = [&request](const char* name) { return HeaderOf(request, name); },
                  .headers_after = [&request](std::string_view prefix) { return HeadersAfter(request, prefix); }};
    Answer answer = AnswerOf(endpoint, *api_, asked);
    if (answer.take_over && request.method != "HEAD") {
      current_exchange->take_over = std::move(answer.take_over);
      const std::string content_type = answer.content_type;
      Set(response, std::move(answer));
      response.headers.erase("Content-Type");  // which the library adds
      // The head alone: what follows is not this thread's business.
      response.set_content_provider(content_type, [](std::size_t, httplib::DataSink& sink) {
        sink.done();
        return true;
      });
      return;
    }
    if (!answer.append_next) return Set(response, std::move(answer));
    const auto rest = std::make_shared<Answer>(std::move(answer));
    const std::string content_type = rest->content_type;
    Set(response, {.status = rest->status, .body = {}, .headers = rest->headers});
    response.headers.erase("Content-Type");  // which the library adds
    // An HTTP/1.0 body's end is the connection's end. Chunks are made here, for the library copies each of them twice.
    const bool is_chunked = request.version != "HTTP/1.0";
    if (is_chunked) response.set_header("Transfer-Encoding", "chunked");
    response.set_content_provider(content_type, [rest, is_chunked](std::size_t, httplib::DataSink& sink) {
      return SendNext(rest.get(), is_chunked, &sink);
    });
  }

  // Reads the body while the answer is sent, where it is a stream of lines; else null.
  static std::function<bool(std::string*)> LinesReader() {
    Exchange* const exchange = current_exchange;
    const Framing& framing = exchange->framing;
    if (!framing.is_lines()) return nullptr;
    exchange->is_last = true;
    const auto reader = std::make_shared<BodyReader>(exchange->socket, framing.is_chunked(),
                                                     framing.is_chunked() ? 0 : std::stoull(framing.length));
    return [reader, exchange](std::string* out) {
      const bool more = reader->ReadSome(out);
      if (!more) exchange->body_is_unread = false;
      return more;
    };
  }

  void HandlePost(const Endpoint& endpoint, const httplib::Request& request, httplib::Response& response,
                  const httplib::ContentReader& read_content) {
    Exchange& exchange = *current_exchange;
    std::string body;
    bool too_large = false;
    bool whole = read_content([&](const char* data, std::size_t size) {
      too_large = body.size() + size > kBodyBytesMax;
      if (!too_large) body.append(data, size);
      return !too_large;
    });
    // The library takes a chunk that does not end where it should for the end of the body; where a chunked body really
    // ends there is an empty line.
    whole = whole && (!exchange.framing.is_chunked() || exchange.socket->LastReadWere("\r\n\r\n"));
    if (too_large) {
      Set(response, ProblemAnswer({problems::kTooLarge, kBodyTooLarge}));
    } else if (!whole) {
      Set(response,
          ProblemAnswer({problems::kMalformedRequest, "the body ended too soon, or its chunks are malformed"}));
    } else {
      exchange.body_is_unread = false;
      Respond(endpoint, request, std::move(body), response);
    }
  }

  // False cuts the connection, so that half an answer never looks like a whole one.
  static bool SendNext(Answer* answer, bool is_chunked, httplib::DataSink* sink) noexcept {
    try {
      std::string& piece = answer->body;
      const bool is_last = piece.empty() && !answer->append_next(&piece);
      bool is_sent = true;
      const auto send = [&](std::string_view bytes) { is_sent = is_sent && sink->write(bytes.data(), bytes.size()); };
      // An empty chunk would be the end.
      if (is_chunked && !piece.empty()) send(ChunkHead(piece.size()));
      send(piece);
      if (is_chunked && !piece.empty()) send("\r\n");
      if (is_chunked && is_last) send("0\r\n\r\n");
      piece.clear();  // its memory is used again
      if (is_last) sink->done();
      return is_sent;
    } catch (const std::exception& error) {
      Log(std::string("an answer was cut: ") + error.what());
      return false;
    }
  }

  std::shared_ptr<const Tls> CurrentTls() {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }

  Api* const api_;
  const ClientLimits limits_;
  RequestRate request_rate_;
  ConnectionCounts connection_counts_;
  const int stop_fd_;
  bool logs_requests_ = false;
  std::optional<std::string> own_name_;  // Host takes only this machine's names, among them this
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
