// What a client was sent and has not taken yet.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dedup {

/// Tells when a client leaves unread what it is sent: the broker would keep all of that in memory, without a limit.
///
/// The kernel is asked once for each kLookBytes, so a message costs no system call.
/// Threading: one thread.
class Backlog {
 public:
  /// How much may wait for a client, beside what the kernel holds for it.
  static constexpr std::uint64_t kBytesMax = 16 << 20;

  /// `socket`: the client's connection, not owned. What it takes cannot be told of another file: then nothing counts.
  explicit Backlog(int socket);

  /// Notes a message to the client.
  void Add(std::size_t bytes);

  /// More than kBytesMax wait.
  bool is_too_long() const { return waiting_bytes_ > kBytesMax; }

 private:
  static constexpr std::uint64_t kLookBytes = 64 << 10;

  void Look();

  const int socket_;
  std::uint64_t waiting_bytes_ = 0;  // as of the last look, and all since
  std::uint64_t unseen_bytes_ = 0;   // since the last look
  std::uint64_t taken_bytes_;        // by the kernel since the connection began, as of the last look
};

}  // namespace dedup
