// A request's body as it comes, of any length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "http_sidecar/net/client_socket.h"

namespace dedup::sidecar {

/// A body that was not sent within the socket's Patience.
class LateBody : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads a body that is announced by its length, or chunked (RFC 9112, 7.1). Strict: what is no chunk, or is cut off,
/// is a std::runtime_error; LateBody where it does not come in time. Threading: one thread at a time. The socket must
/// outlive it.
class BodyReader {
 public:
  static constexpr std::size_t kBytesAtOnce = std::size_t{64} * 1024;

  /// `length` counts where the body is not chunked.
  BodyReader(ClientSocket* socket, bool is_chunked, std::uint64_t length)
      : socket_(socket), is_chunked_(is_chunked), bytes_left_(is_chunked ? 0 : length) {}

  /// Appends what has come, at most kBytesAtOnce, and waits where nothing has. False at the body's end.
  bool ReadSome(std::string* out);

 private:
  [[noreturn]] void Fail() const;
  std::string ReadLine();
  void BeginChunk();

  ClientSocket* const socket_;
  const bool is_chunked_;
  std::uint64_t bytes_left_;  // of the body, or of the chunk
  bool is_first_chunk_ = true;
  bool is_over_ = false;
};

}  // namespace dedup::sidecar
