#include "http_sidecar/net/client_socket.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <string>
#include <thread>

namespace dedup::sidecar {
namespace {

using std::chrono::milliseconds;
using Progress = ClientSocket::Progress;

class ClientSocketTest : public testing::Test {
 protected:
  ~ClientSocketTest() override { HangUp(); }
  void Send(std::string_view text) { ASSERT_EQ(send(fds_[1], text.data(), text.size(), 0), ssize_t(text.size())); }
  void HangUp() {
    if (fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }
  std::string Received() {
    char data[100];
    const ssize_t size = recv(fds_[1], data, sizeof data, MSG_DONTWAIT);
    return size < 0 ? "" : std::string(data, static_cast<std::size_t>(size));
  }
  std::string ReadLine() {
    std::string line;
    EXPECT_TRUE(socket_.ReadLine(100, &line));
    return line;
  }

  static std::array<int, 2> MakePair() {
    std::array<int, 2> fds{-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds.data()), 0);
    return fds;
  }

  std::array<int, 2> fds_ = MakePair();
  std::atomic<const Patience*> patience_ = &kPatience;
  std::unique_ptr<Connection> connection_ = MakePlainConnection(fds_[0]);
  ClientSocket socket_{connection_.get(), [this] { return *patience_.load(); }};
};

TEST_F(ClientSocketTest, ALineIsReadAsFarAsItHasComeWithoutWaiting) {
  std::string line;
  EXPECT_EQ(socket_.TryReadLine(100, &line), Progress::kAwaits);
  EXPECT_EQ(socket_.awaited(), POLLIN);
  Send("one\r\ntw");
  EXPECT_EQ(socket_.TryReadLine(100, &line), Progress::kDone);
  EXPECT_EQ(line, "one\r\n");
  EXPECT_EQ(socket_.TryReadLine(100, &line), Progress::kAwaits);
  EXPECT_EQ(line, "one\r\ntw");
  Send("o\nthree");
  EXPECT_EQ(socket_.TryReadLine(100, &line), Progress::kDone);
  EXPECT_EQ(socket_.TryReadLine(3, &line), Progress::kDone);
  EXPECT_EQ(line, "one\r\ntwo\nthr");
  HangUp();
  EXPECT_EQ(socket_.TryReadLine(100, &line), Progress::kGone);
  EXPECT_EQ(line, "one\r\ntwo\nthree");
}

TEST_F(ClientSocketTest, WhatIsReadBeyondOneRequestStaysForTheNext) {
  EXPECT_FALSE(socket_.AwaitInput(milliseconds(1)));
  Send("one\r\ntwo\r\n");
  EXPECT_TRUE(socket_.AwaitInput(milliseconds(1000)));
  EXPECT_EQ(ReadLine(), "one\r\n");
  socket_.Rest();
  EXPECT_TRUE(socket_.AwaitInput(milliseconds(0)));
  EXPECT_EQ(ReadLine(), "two\r\n");
  socket_.Rest();
  EXPECT_FALSE(socket_.AwaitInput(milliseconds(0)));
}

TEST_F(ClientSocketTest, WithoutPatienceNothingIsWaitedFor) {
  patience_ = &kNoPatience;
  const auto begin = std::chrono::steady_clock::now();
  char c;
  EXPECT_EQ(socket_.Read(&c, 1), -1);
  EXPECT_TRUE(socket_.Write("x"));
  EXPECT_TRUE(socket_.Flush());  // there is room for it
  EXPECT_FALSE(socket_.Write(std::string(10'000'000, 'x')));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST_F(ClientSocketTest, PatienceThatIsOverEndsAWaitThatHasBegun) {
  std::thread end([this] {
    std::this_thread::sleep_for(milliseconds(100));
    patience_ = &kNoPatience;
  });
  const auto begin = std::chrono::steady_clock::now();
  char c;
  EXPECT_EQ(socket_.Read(&c, 1), -1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
  end.join();
}

TEST_F(ClientSocketTest, TheEndOfTheStreamIsAnErrorInTheMiddleOfARequest) {
  Send("abc");
  HangUp();
  char data[10];
  EXPECT_EQ(socket_.Read(data, sizeof data), 3);
  EXPECT_EQ(socket_.Read(data, sizeof data), -1);
}

TEST_F(ClientSocketTest, ALineIsReadToItsEndOrToTheLimit) {
  Send("one\r\n\ntwo\nthree");
  std::string line;
  for (const std::string_view expected : {"one\r\n", "\n"}) {
    line.clear();
    EXPECT_TRUE(socket_.ReadLine(100, &line));
    EXPECT_EQ(line, expected);
  }
  EXPECT_TRUE(socket_.ReadLine(2, &line));
  EXPECT_TRUE(socket_.ReadLine(2, &line));
  EXPECT_EQ(line, "\ntwo\n");
  HangUp();
  EXPECT_FALSE(socket_.ReadLine(100, &line));
  EXPECT_EQ(line, "\ntwo\nthree");
}

TEST_F(ClientSocketTest, OutputGoesOutBeforeInputIsWaitedFor) {
  EXPECT_TRUE(socket_.Write("HTTP/1.1 100 Continue\r\n\r\n"));
  EXPECT_EQ(Received(), "");
  std::thread client([this] {
    while (Received().empty()) std::this_thread::yield();
    Send("x");
  });
  char c;
  EXPECT_EQ(socket_.Read(&c, 1), 1);
  client.join();
}

TEST_F(ClientSocketTest, MuchAndLittleGoOutInOrder) {
  std::string received;
  std::thread client([&] {
    for (char data[4096]; !received.ends_with("end");) {
      const ssize_t size = recv(fds_[1], data, sizeof data, 0);
      if (size <= 0) break;
      received.append(data, static_cast<std::size_t>(size));
    }
  });
  std::string sent;
  const auto write = [&](const std::string& bytes) {
    sent += bytes;
    EXPECT_TRUE(socket_.Write(bytes));
  };
  write("head");
  write(std::string(1'000'000, 'a'));
  write("between");
  write(std::string(100'000, 'b'));
  write("end");
  EXPECT_TRUE(socket_.Flush());
  client.join();
  EXPECT_TRUE(received == sent);
}

TEST_F(ClientSocketTest, AClientThatHasGoneIsAnErrorAndNoSignal) {
  HangUp();
  EXPECT_TRUE(socket_.Write("x"));
  EXPECT_FALSE(socket_.Flush());
}

// Sends a byte every 50 ms.
class Drip {
 public:
  explicit Drip(int fd)
      : thread_([this, fd] {
          while (!stop_ && send(fd, "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(milliseconds(50));
        }) {}
  ~Drip() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST_F(ClientSocketTest, InACrowdWhoOnlyDripsIsCutSoon) {
  patience_ = &kPatienceInCrowd;
  const Drip drip(fds_[1]);
  const auto begin = std::chrono::steady_clock::now();
  socket_.BeginBody();
  char c;
  while (socket_.Read(&c, 1) == 1) {
  }
  EXPECT_GE(std::chrono::steady_clock::now() - begin, kPatienceInCrowd.pause);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4 * kPatienceInCrowd.pause);
}

TEST_F(ClientSocketTest, ACrowdThatComesEndsAWaitThatHasBegun) {
  std::thread crowd([this] {
    std::this_thread::sleep_for(milliseconds(300));
    patience_ = &kPatienceInCrowd;
  });
  const auto begin = std::chrono::steady_clock::now();
  socket_.BeginBody();
  char c;
  EXPECT_EQ(socket_.Read(&c, 1), -1);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kPatience.pause / 2);
  crowd.join();
}

TEST_F(ClientSocketTest, InACrowdWhoGetsOnMayTakeLonger) {
  patience_ = &kPatienceInCrowd;
  std::thread client([this] {
    for (int i = 0; i < 16; ++i) {
      const std::string piece(8 * 1024, 'x');
      EXPECT_EQ(send(fds_[1], piece.data(), piece.size(), MSG_NOSIGNAL), ssize_t(piece.size()));
      std::this_thread::sleep_for(milliseconds(125));
    }
  });
  socket_.BeginBody();
  std::size_t size = 0;
  char data[8 * 1024];
  while (size < 16 * sizeof data) {
    const ssize_t count = socket_.Read(data, sizeof data);
    ASSERT_GT(count, 0) << size;
    size += static_cast<std::size_t>(count);
  }
  client.join();
}

TEST_F(ClientSocketTest, WhoWasQuickFirstMayNotPauseTheLonger) {
  patience_ = &kPatienceInCrowd;
  std::thread client([this] {
    std::string buffer(100'000, '\0');
    for (std::size_t size = 0; size < 4'000'000;) {
      const ssize_t count = recv(fds_[1], buffer.data(), buffer.size(), 0);
      ASSERT_GT(count, 0);
      size += static_cast<std::size_t>(count);
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  while (socket_.Write(std::string(100'000, 'x'))) {
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  client.join();
}

TEST_F(ClientSocketTest, InACrowdWhoDoesNotReadIsCutSoon) {
  patience_ = &kPatienceInCrowd;
  const auto begin = std::chrono::steady_clock::now();
  while (socket_.Write(std::string(100'000, 'x'))) {
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

// What a client that reads nothing before it has sent everything is kept.
TEST_F(ClientSocketTest, OutputIsHeldWhileInputComesAsFarAsItMay) {
  constexpr std::size_t kBytes = 4'000'000;
  std::size_t held_max = 0;
  socket_.HoldOutput([&](std::size_t bytes) {
    held_max = std::max(held_max, bytes);
    return bytes < kBytes;
  });
  std::string received;
  std::latch all_written(1);
  std::thread client([&] {
    for (int i = 0; i < 3000; ++i) Send("x");
    all_written.wait();
    for (char data[4096]; received.size() < kBytes / 2;) {
      const ssize_t size = recv(fds_[1], data, sizeof data, 0);
      if (size <= 0) break;
      received.append(data, static_cast<std::size_t>(size));
    }
  });
  std::string sent;
  for (int i = 0; i < 3000; ++i) {
    char c;
    ASSERT_EQ(socket_.Read(&c, 1), 1);
    const std::string piece = std::to_string(i) + std::string(kBytes / 2 / 3000, 'a');
    sent += piece;
    EXPECT_TRUE(socket_.Write(piece));
  }
  all_written.count_down();
  EXPECT_TRUE(socket_.Flush());
  shutdown(fds_[0], SHUT_WR);
  client.join();
  for (char data[4096];;) {
    const ssize_t size = recv(fds_[1], data, sizeof data, MSG_DONTWAIT);
    if (size <= 0) break;
    received.append(data, static_cast<std::size_t>(size));
  }
  EXPECT_TRUE(received == sent);
  EXPECT_GT(held_max, kBytes / 4);
}

TEST_F(ClientSocketTest, WhereNoMoreMayBeHeldTheClientIsWaitedFor) {
  socket_.HoldOutput([](std::size_t bytes) { return bytes <= 200'000; });
  patience_ = &kPatienceInCrowd;
  const auto begin = std::chrono::steady_clock::now();
  std::size_t written = 0;
  while (written < 10'000'000 && socket_.Write(std::string(1000, 'x'))) written += 1000;
  EXPECT_LT(written, 2'000'000U);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, kPatienceInCrowd.pause);
}

TEST_F(ClientSocketTest, WhatIsHeldGoesOutWhileInputIsWaitedFor) {
  socket_.HoldOutput([](std::size_t) { return true; });
  EXPECT_TRUE(socket_.Write(std::string(1'000'000, 'x')));
  std::thread client([this] {
    std::string buffer(100'000, '\0');
    for (std::size_t size = 0; size < 1'000'000;) {
      const ssize_t count = recv(fds_[1], buffer.data(), buffer.size(), 0);
      ASSERT_GT(count, 0);
      size += static_cast<std::size_t>(count);
    }
    Send("x");  // only then
  });
  char c;
  EXPECT_EQ(socket_.Read(&c, 1), 1);
  client.join();
}

}  // namespace
}  // namespace dedup::sidecar
