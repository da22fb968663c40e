// A client that has sent some bytes and gone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "http_sidecar/net/connection.h"

namespace dedup::sidecar {

class BytesConnection : public Connection {
 public:
  /// The bytes come in pieces of this size; they must outlive it.
  explicit BytesConnection(std::string_view bytes, std::size_t piece_bytes = 16 * 1024)
      : Connection(-1), bytes_(bytes), piece_bytes_(piece_bytes) {}

  Moved Handshake() override { return {.bytes = 1}; }
  Moved Receive(char* data, std::size_t size) override {
    const std::size_t count = bytes_.copy(data, std::min(size, piece_bytes_));
    bytes_.remove_prefix(count);
    return {.bytes = count};
  }
  Moved Send(std::string_view data, bool) override { return {.bytes = data.size()}; }
  bool has_unread() const override { return false; }
  bool is_without_tls() const override { return false; }

 private:
  std::string_view bytes_;
  const std::size_t piece_bytes_;
};

}  // namespace dedup::sidecar
