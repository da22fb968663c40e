// The bytes of one HTTP client's connection, with limits on their number and on our patience.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http_sidecar/net/connection.h"

namespace dedup::sidecar {

/// How long a client may make us wait: never longer than this pause, and for a request's head, its body and room to
/// write the answer, each, no longer in all than the pause and what its bytes take at this rate (those of a head earn
/// nothing). In a crowd every connection holds up another.
struct Patience {
  std::chrono::milliseconds pause;
  std::size_t bytes_per_second;
};
inline constexpr Patience kPatience{std::chrono::seconds(15), 1024};
inline constexpr Patience kPatienceInCrowd{std::chrono::seconds(1), 16 * 1024};

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

  /// The connection must outlive it. `stop_fd`: readable once the server stops. `is_crowded`: whether others wait to
  /// be served; asked again while we wait.
  ClientSocket(Connection* connection, int stop_fd, std::function<bool()> is_crowded);

  /// To be called before anything else. False when the client has gone, or is none that can be served.
  bool Handshake();

  enum class Arrival { kRequest, kNothing, kEnd };
  /// Waits for the first byte of a request. kEnd: the client has gone, or the server stops.
  Arrival AwaitRequest(std::chrono::milliseconds patience);

  /// What is read from here on is a request's head, or its body: our patience begins anew.
  void BeginHead();
  void BeginBody();

  /// Like recv(), but the end of the stream is an error too: HTTP says by itself where a request ends. -1 at an error.
  ssize_t Read(char* data, std::size_t size);

  /// Appends what comes, to and with the next line feed, but at most `size_max` bytes. False where Read() would fail.
  bool ReadLine(std::size_t size_max, std::string* line);

  /// False when the client has gone, or our patience is over.
  bool Write(std::string_view data);
  bool Flush();

  /// Since the beginning of the connection.
  std::size_t sent_bytes() const { return sent_bytes_; }

  /// Takes in, for a few seconds, what a client goes on sending that has been answered already: closing at once would
  /// reset the connection, and with it the answer that it has not read yet.
  void Drain();

 private:
  bool Await(short events, std::chrono::milliseconds pause_max = kPatience.pause);
  bool FillIfEmpty();
  bool Fill(std::chrono::milliseconds pause_max = kPatience.pause);
  bool Send(std::string_view data, bool more_follows);

  Connection* const connection_;
  const int stop_fd_;
  const std::function<bool()> is_crowded_;
  std::vector<char> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::string output_;
  bool in_head_ = false;
  short awaited_ = 0;            // what was waited for last
  Clock::duration waited_{0};    // for that
  std::size_t moved_bytes_ = 0;  // meanwhile
  std::size_t sent_bytes_ = 0;
};

}  // namespace dedup::sidecar
