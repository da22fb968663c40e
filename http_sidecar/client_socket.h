// The bytes of one HTTP client's connection, with limits on their number and on our patience.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dedup::sidecar {

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

  /// `fd`: the connection, not owned. `stop_fd`: readable once the server stops.
  ClientSocket(int fd, int stop_fd);

  enum class Arrival { kRequest, kNothing, kEnd };
  /// Waits for the first byte of a request. kEnd: the client has gone, or the server stops.
  Arrival AwaitRequest(std::chrono::milliseconds patience);

  /// From here to BeginBody() a request's head is read: at most 64 KiB, within 15 s, lines ended by CR LF, byte by
  /// byte.
  void BeginHead();
  /// From here on only a pause of 15 s ends the reading.
  void BeginBody();

  /// Like recv(), but the end of the stream is an error too: HTTP says by itself where a request ends. -1 at an error.
  ssize_t Read(char* data, std::size_t size);

  /// Whether the bytes read last were these (at most 4).
  bool LastReadWere(std::string_view bytes) const;

  /// False when the client has gone or has not read for 15 s.
  bool Write(std::string_view data);
  bool Flush();

  /// Takes in, for a few seconds, what a client goes on sending that has been answered already: closing at once would
  /// reset the connection, and with it the answer that it has not read yet.
  void Drain();

 private:
  bool Await(short events, Clock::time_point deadline) const;
  bool Fill();

  const int fd_;
  const int stop_fd_;
  std::vector<char> input_;
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::string output_;
  char last_[4] = {};
  bool in_head_ = false;
  std::size_t head_bytes_left_ = 0;
  Clock::time_point head_deadline_;
};

}  // namespace dedup::sidecar
