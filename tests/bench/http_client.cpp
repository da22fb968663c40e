#include "tests/bench/http_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "tests/bench/sockets.h"

namespace dedup::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kPatienceMs = 60'000;
constexpr std::string_view kHeadEnd = "\r\n\r\n";

double SecondsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) Fail("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

int StatusOf(std::string_view head) {
  int status = 0;
  if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, status);
  return status;
}

// The size of the whole answer, once its head is there.
std::optional<std::size_t> AnswerBytes(std::string_view answer) {
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t head_bytes = answer.find(kHeadEnd);
  if (head_bytes == std::string_view::npos) return std::nullopt;
  const std::size_t length = answer.substr(0, head_bytes).find(kLength);
  if (length == std::string_view::npos) throw std::runtime_error("an answer without a length");
  std::size_t body_bytes = 0;
  const char* const digits = answer.data() + length + kLength.size();
  std::from_chars(digits, answer.data() + head_bytes, body_bytes);
  return head_bytes + kHeadEnd.size() + body_bytes;
}

// A connection that posts one body after the other.
class Poster {
 public:
  explicit Poster(std::uint16_t port) : fd_(TryConnect(port)) {
    if (fd_ < 0) Fail("connect");
  }
  ~Poster() { close(fd_); }
  Poster(const Poster&) = delete;
  Poster& operator=(const Poster&) = delete;

  pollfd Poll() const { return {fd_, POLLIN, 0}; }

  void Post(const std::string& target, const std::string& body) {
    SendAll(fd_, "POST " + target + " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: " +
                     std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  // Whether the answer is whole now.
  bool Receive() {
    char buffer[1 << 14];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) throw std::runtime_error("the server closed a connection");
    answer_.append(buffer, static_cast<std::size_t>(got));
    const std::optional<std::size_t> bytes = AnswerBytes(answer_);
    if (!bytes || answer_.size() < *bytes) return false;
    if (StatusOf(answer_) != 200) throw std::runtime_error("the server answered " + answer_);
    answer_.clear();
    return true;
  }

 private:
  int fd_;
  std::string answer_;
};

}  // namespace

HttpAnswer HttpGet(std::uint16_t port, const std::string& target) {
  HttpAnswer answer;
  const auto begin = SteadyClock::now();
  const int fd = TryConnect(port);
  if (fd < 0) return answer;
  SendAll(fd, "GET " + target + " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
  std::string head;
  std::vector<char> buffer(1 << 16);
  for (ssize_t got; (got = recv(fd, buffer.data(), buffer.size(), 0)) > 0;) {
    const auto bytes = static_cast<std::size_t>(got);
    if (answer.first_byte_seconds != 0) {
      answer.body_bytes += bytes;
      continue;
    }
    head.append(buffer.data(), bytes);
    const std::size_t head_bytes = head.find(kHeadEnd);
    if (head_bytes == std::string::npos || head_bytes + kHeadEnd.size() == head.size()) continue;
    answer.first_byte_seconds = SecondsSince(begin);
    answer.body_bytes = head.size() - head_bytes - kHeadEnd.size();
  }
  close(fd);
  answer.status = StatusOf(head);
  answer.seconds = SecondsSince(begin);
  return answer;
}

std::vector<double> HttpPostPaced(std::uint16_t port, const std::string& target, const std::vector<std::string>& bodies,
                                  std::chrono::microseconds interval) {
  Poster poster(port);
  std::vector<double> took_ms;
  auto next = SteadyClock::now();
  for (const std::string& body : bodies) {
    std::this_thread::sleep_until(next);
    const auto begin = SteadyClock::now();
    poster.Post(target, body);
    while (!poster.Receive()) {
    }
    took_ms.push_back(SecondsSince(begin) * 1000);
    next = std::max(next + interval, SteadyClock::now());
  }
  std::ranges::sort(took_ms);
  return took_ms;
}

double HttpPostAll(std::uint16_t port, const std::string& target, const std::vector<std::string>& bodies,
                   int connections) {
  std::vector<std::optional<Poster>> posters(static_cast<std::size_t>(connections));
  for (auto& poster : posters) poster.emplace(port);
  std::size_t sent = 0;
  std::size_t answered = 0;
  const auto begin = SteadyClock::now();
  const auto post_next = [&](Poster& poster) {
    if (sent < bodies.size()) poster.Post(target, bodies[sent++]);
  };
  for (auto& poster : posters) post_next(*poster);
  while (answered < bodies.size()) {
    std::vector<pollfd> polls;
    for (const auto& poster : posters) polls.push_back(poster->Poll());
    if (poll(polls.data(), polls.size(), kPatienceMs) <= 0) throw std::runtime_error("the server is silent");
    for (std::size_t i = 0; i < posters.size(); ++i) {
      if (polls[i].revents == 0 || !posters[i]->Receive()) continue;
      ++answered;
      post_next(*posters[i]);
    }
  }
  return SecondsSince(begin);
}

}  // namespace dedup::bench
