// The bytes of one HTTP client's connection, with limits on their number and on our patience.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http_sidecar/net/connection.h"

namespace dedup::sidecar {

/// How long a client may make us wait: never longer than this pause, and for a request's body and room to write the
/// answer, each, no longer in all than the pause and what its bytes take at this rate.
struct Patience {
  std::chrono::milliseconds pause;
  std::size_t bytes_per_second;
};
inline constexpr Patience kPatience{std::chrono::seconds(15), 1024};
/// Where every client that waits holds up another.
inline constexpr Patience kPatienceInCrowd{std::chrono::seconds(1), 16 * 1024};
/// For a client that must not hold anybody up.
inline constexpr Patience kNoPatience{std::chrono::seconds(0), 1};

/// Buffered in both directions; what is read beyond one request stays for the next. Output goes out when it is much,
/// when input is waited for, and on Flush().
///
/// Why not the HTTP library's own: that one takes a connection cut in the middle of a chunked body for the body's end,
/// loses pipelined requests, polls idle connections every 10 ms, reads endless header lines, and sends a small answer
/// in two packets.
/// Threading: one thread at a time.
class ClientSocket {
 public:
  using Clock = std::chrono::steady_clock;

  /// The connection must outlive it. `patience` is asked again while we wait.
  ClientSocket(Connection* connection, std::function<Patience()> patience);

  /// What came of something that does not wait.
  enum class Progress {
    kDone,
    kAwaits,  ///< awaited() says what for; then the same is to be tried again
    kGone,    ///< the client has gone, or is none that can be served
  };
  short awaited() const { return try_awaits_; }  ///< POLLIN or POLLOUT

  /// To be done before anything else.
  Progress TryHandshake();
  /// Appends what has come, to and with the next line feed, but at most `size_max` bytes: kDone with either of them.
  Progress TryReadLine(std::size_t size_max, std::string* line);

  /// Waits for the client to send something, without reading it.
  bool AwaitInput(std::chrono::milliseconds time) const;

  /// So much can be read at once, at least.
  std::size_t available_bytes() const;

  /// What is read from here on is another body: our patience begins anew.
  void BeginBody() { awaited_ = 0; }

  /// Like recv(), but the end of the stream is an error too: HTTP says by itself where a request ends. -1 at an error.
  ssize_t Read(char* data, std::size_t size);

  /// Appends what comes, to and with the next line feed, but at most `size_max` bytes. False where Read() would fail.
  bool ReadLine(std::size_t size_max, std::string* line);

  /// False when the client has gone, or our patience is over.
  bool Write(std::string_view data);
  bool Flush();

  /// From now on, until Flush(), Write() keeps what the client does not take at once, as far as `may_hold` allows: it
  /// is told how many bytes that makes, and called with less again once they have gone. They go on while input is
  /// waited for.
  void HoldOutput(std::function<bool(std::size_t)> may_hold);

  /// Whether what failed last did so because the client made us wait too long.
  bool is_late() const { return is_late_; }

  /// Since the beginning of the connection.
  std::size_t sent_bytes() const { return sent_bytes_; }

  /// Gives back the memory of an empty buffer.
  void Rest() {
    if (input_begin_ == input_end_) input_.reset();
  }

 private:
  bool Await(short events, short also = 0);
  bool Hold(std::string_view data);
  bool SendHeld(bool may_wait, std::size_t bytes_left);
  bool FillIfEmpty();
  bool Fill();
  Connection::Moved Receive();
  bool TakeLine(std::size_t* size_max, std::string* line);
  bool Send(std::string_view data, bool more_follows);

  Connection* const connection_;
  const std::function<Patience()> patience_;
  std::unique_ptr<char[]> input_;  // null while there is none
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::string output_;
  std::function<bool(std::size_t)> may_hold_;  // null while nothing is held
  std::deque<std::string> held_;
  std::size_t held_bytes_ = 0;  // also those that have been sent of the first
  std::size_t sent_of_first_ = 0;
  short try_awaits_ = 0;
  short awaited_ = 0;            // what was waited for last
  Clock::duration waited_{0};    // for that
  std::size_t moved_bytes_ = 0;  // meanwhile
  std::size_t sent_bytes_ = 0;
  bool is_late_ = false;
};

}  // namespace dedup::sidecar
