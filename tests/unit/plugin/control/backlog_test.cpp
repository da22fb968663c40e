#include "plugin/core/control/backlog.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "tests/unit/support/eventually.h"

namespace dedup {
namespace {

constexpr std::size_t kPiece = 100'000;

// A connection whose one end is written to, as by a broker, which keeps what does not fit, and whose other may be read.
class Connection {
 public:
  static Connection Tcp() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const int reader = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(reader, reinterpret_cast<sockaddr*>(&address), size), 0);
    const int writer = accept(listener, nullptr, nullptr);
    close(listener);
    return {writer, reader};
  }
  static Connection Unix() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    return {ends[0], ends[1]};
  }
  Connection(int writer, int reader) : writer_(writer), reader_(reader) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    close(writer_);
    close(reader_);
  }

  int writer() const { return writer_; }

  void Queue(std::size_t bytes) {
    queued_.append(bytes, 'x');
    Flush();
  }
  void Flush() {
    const ssize_t count = send(writer_, queued_.data(), queued_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) queued_.erase(0, static_cast<std::size_t>(count));
  }
  /// Reads up to that many of the bytes that are there.
  void Read(std::size_t bytes) {
    std::string buffer(bytes, '\0');
    recv(reader_, buffer.data(), bytes, MSG_DONTWAIT);
    Flush();
  }
  std::size_t queued_bytes() const { return queued_.size(); }

 private:
  const int writer_;
  const int reader_;
  std::string queued_;
};

class BacklogTest : public testing::TestWithParam<Connection (*)()> {
 protected:
  Connection connection_ = GetParam()();
};

TEST_P(BacklogTest, AClientThatReadsNothingIsNoticedSoonAfterTheLimit) {
  Backlog backlog(connection_.writer());
  while (!backlog.is_too_long()) {
    ASSERT_LT(connection_.queued_bytes(), Backlog::kBytesMax + kPiece);
    backlog.Add(kPiece);
    connection_.Queue(kPiece);
  }
  EXPECT_GT(connection_.queued_bytes(), Backlog::kBytesMax / 2);
}

TEST_P(BacklogTest, AClientThatReadsMayBeSentAnyAmount) {
  Backlog backlog(connection_.writer());
  for (std::uint64_t sent = 0; sent < 4 * Backlog::kBytesMax; sent += kPiece) {
    backlog.Add(kPiece);
    connection_.Queue(kPiece);
    ASSERT_TRUE(Eventually([&] {
      connection_.Read(2 * kPiece);
      return connection_.queued_bytes() == 0;
    }));
    ASSERT_FALSE(backlog.is_too_long()) << sent;
  }
}

TEST_P(BacklogTest, AClientThatReadsTooLittleIsNoticed) {
  Backlog backlog(connection_.writer());
  while (!backlog.is_too_long()) {
    ASSERT_LT(connection_.queued_bytes(), 2 * Backlog::kBytesMax);
    backlog.Add(kPiece);
    connection_.Queue(kPiece);
    connection_.Read(kPiece / 4);
  }
}

INSTANTIATE_TEST_SUITE_P(Sockets, BacklogTest, testing::Values(Connection::Tcp, Connection::Unix),
                         [](const auto& test) { return test.param == Connection::Tcp ? "Tcp" : "Unix"; });

TEST(BacklogOfNoSocketTest, NothingCounts) {
  Backlog backlog(-1);
  for (std::uint64_t sent = 0; sent < 2 * Backlog::kBytesMax; sent += kPiece) backlog.Add(kPiece);
  EXPECT_FALSE(backlog.is_too_long());
}

}  // namespace
}  // namespace dedup
