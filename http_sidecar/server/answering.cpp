#include "http_sidecar/server/answering.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "http_sidecar/base/ascii.h"
#include "http_sidecar/base/stderr_log.h"
#include "http_sidecar/base/time.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/http/origin.h"
#include "http_sidecar/net/body_reader.h"
#include "http_sidecar/server/whole_body.h"

namespace dedup::sidecar {
namespace {

constexpr std::chrono::seconds kMemoryPatience{15};
constexpr std::chrono::milliseconds kMemoryLookInterval{50};

void AddHeaders(const HeaderList& headers, httplib::Response* response) {
  for (const auto& [name, value] : headers) response->set_header(name, value);
}

HeaderReader HeadersOf(const RequestHead& head) {
  return [&head](const char* name) { return head.Header(name); };
}

// What goes before a chunk's bytes.
std::string ChunkHead(std::size_t size) {
  char digits[16];
  return std::string(digits, std::to_chars(std::begin(digits), std::end(digits), size, 16).ptr) + "\r\n";
}

// For an answer that has begun, memory is waited for: cutting it would have it begun again.
bool AppendNext(Answer* answer, std::string* piece) {
  const auto deadline = std::chrono::steady_clock::now() + kMemoryPatience;
  for (;;) {
    try {
      return answer->append_next(piece);
    } catch (const BudgetSpent&) {
      if (std::chrono::steady_clock::now() > deadline) throw;
    }
    std::this_thread::sleep_for(kMemoryLookInterval);
  }
}

// Sends the next piece of an answer. False cuts the connection, so that half an answer never looks like a whole one.
bool SendNext(Answer* answer, bool is_chunked, httplib::DataSink* sink) noexcept {
  try {
    std::string& piece = answer->body;
    const bool is_last = piece.empty() && !AppendNext(answer, &piece);
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

using Sender = std::function<bool(httplib::DataSink*)>;

// The head of an answer whose body `send` writes.
void SetHead(const Answer& answer, Sender send, httplib::Response* response) {
  SetAnswer({.status = answer.status, .body = {}, .headers = answer.headers}, response);
  response->headers.erase("Content-Type");  // which the library adds
  response->set_content_provider(
      answer.content_type, [send = std::move(send)](std::size_t, httplib::DataSink& sink) { return send(&sink); });
}

constexpr char kTakenBack[] = "the token, or the client's certificate, was taken back meanwhile";
constexpr std::size_t kBodyCopies = 3;  // the body, its events, and what is on its way to the broker

}  // namespace

void SetAnswer(Answer answer, httplib::Response* response) {
  response->status = answer.status;
  response->body = std::move(answer.body);
  response->headers.erase("Content-Type");
  response->set_header("Content-Type", answer.content_type);
  AddHeaders(answer.headers, response);
}

void Answering::AnswerTo(Exchange* exchange, httplib::Response* response) const {
  if (exchange->refusal) {
    SetAnswer(*exchange->refusal, response);
  } else if (exchange->head.method == "OPTIONS") {
    AnswerOptions(*exchange, response);
  } else if (exchange->endpoint->is_post) {
    // RFC 9110, 10.1.1. It goes out before the body is waited for.
    if (!exchange->head.is_http_1_0 && exchange->head.HasElement("Expect", "100-continue")) {
      exchange->socket->Write("HTTP/1.1 100 Continue\r\n\r\n");
    }
    exchange->framing.is_lines() ? Serve(exchange, {}, response) : ServeWhole(exchange, response);
  } else {
    Serve(exchange, {}, response);
  }
}

// Reads a body of lines, while the answer is sent.
std::function<bool(std::string*)> Answering::LinesReader(Exchange* exchange) const {
  exchange->is_last = true;
  const Framing& framing = exchange->framing;
  // Many clients read nothing before they have sent everything.
  const auto held = std::make_shared<FairBudget::Share>(&api_->memory, exchange->client);
  exchange->socket->HoldOutput([held](std::size_t bytes) { return held->Resize(bytes); });
  const auto reader =
      std::make_shared<BodyReader>(exchange->socket, framing.is_chunked(), framing.has_length() ? framing.length() : 0);
  return [this, reader, exchange](std::string* out) {
    if (!exchange->connection->is_trusted()) throw std::runtime_error(kTakenBack);
    // A line, its events, and their way to the broker.
    if (!exchange->memory.Resize(kBodyCopies * (out->size() + BodyReader::kBytesAtOnce))) {
      throw std::runtime_error(NoMemory().detail);
    }
    const bool more = reader->ReadSome(out);
    if (!more) exchange->body_is_unread = false;
    return more;
  };
}

bool Answering::MayGoOn(const Exchange& exchange) const {
  return exchange.connection->is_trusted() && api_->tokens->Hold(exchange.caller);
}

void Answering::AnswerOptions(const Exchange& exchange, httplib::Response* response) const {
  response->status = 200;
  if (exchange.endpoint == nullptr) return response->set_header("Allow", "GET, HEAD, POST, OPTIONS");
  const std::string allow(exchange.endpoint->allow());
  response->set_header("Allow", allow);
  AddHeaders(PreflightHeaders(cors_origin_, HeadersOf(exchange.head), allow), response);
}

void Answering::ServeWhole(Exchange* exchange, httplib::Response* response) const {
  auto body = ReadWholeBody(exchange);
  if (const auto* const problem = std::get_if<Problem>(&body)) return SetAnswer(ProblemAnswer(*problem), response);
  // Its token may have been taken back while it came.
  if (!MayGoOn(*exchange)) {
    exchange->is_last = true;
    return SetAnswer(ProblemAnswer({problems::kTokenUnknown, kTakenBack}), response);
  }
  auto& text = std::get<std::string>(body);
  if (!exchange->memory.Resize(std::max(kBodyCopies * text.size(), text.capacity()))) {
    return SetAnswer(ProblemAnswer(NoMemory()), response);
  }
  Serve(exchange, std::move(text), response);
}

void Answering::Serve(Exchange* exchange, std::string body, httplib::Response* response) const {
  const RequestHead& head = exchange->head;
  const Endpoint& endpoint = *exchange->endpoint;
  const bool is_lines = endpoint.is_post && exchange->framing.is_lines();
  Request request{.caller = exchange->caller,
                  .client = exchange->client,
                  .memory = &exchange->memory,
                  .target = head.target,
                  .path = head.path,
                  .body = std::move(body),
                  .content_type = head.Header("Content-Type"),
                  .read_body = is_lines ? LinesReader(exchange) : nullptr,
                  .header = HeadersOf(head),
                  .headers_after = [&head](std::string_view prefix) { return head.HeadersAfter(prefix); }};
  Answer answer = AnswerOf(endpoint, *api_, request);
  if (answer.take_over && head.method != "HEAD") {
    exchange->take_over = answer.take_over;
    // The head alone: what follows is not this thread's business.
    SetHead(
        answer, [](httplib::DataSink* sink) { return sink->done(), true; }, response);
  } else if (answer.append_next) {
    // An HTTP/1.0 body's end is the connection's end. Chunks are made here, for the library copies each of them twice.
    const bool is_chunked = !head.is_http_1_0;
    const auto rest = std::make_shared<Answer>(std::move(answer));
    SetHead(
        *rest,
        [this, exchange, rest, is_chunked](httplib::DataSink* sink) {
          return MayGoOn(*exchange) && SendNext(rest.get(), is_chunked, sink);
        },
        response);
    if (is_chunked) response->set_header("Transfer-Encoding", "chunked");
  } else {
    SetAnswer(std::move(answer), response);
  }
}

void Answering::Complete(const Exchange& exchange, httplib::Response* response) const {
  response->headers.erase("Date");
  response->set_header("Date", HttpDate(NowUs()));
  if (!exchange.request_id.empty()) response->set_header("X-Request-Id", exchange.request_id);
  // So that no browser takes an event for a page or a script.
  if (!response->has_header("X-Content-Type-Options")) response->set_header("X-Content-Type-Options", "nosniff");
  AddHeaders(CorsHeaders(cors_origin_, HeadersOf(exchange.head)), response);
  response->headers.erase("Accept-Ranges");
}

}  // namespace dedup::sidecar
