// The head of a request that a client has sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http_sidecar/server/request_head.h"
#include "tests/unit/support/bytes_connection.h"

namespace dedup::sidecar {

inline Patience AlwaysPatient() { return kPatience; }

/// Nothing when the client has gone before its head was whole. Appends what follows the head to `rest`.
inline std::optional<RequestHead> ReadHead(std::string_view sent, std::string* rest = nullptr,
                                           std::size_t piece_bytes = 1000) {
  BytesConnection connection(sent, piece_bytes);
  ClientSocket socket(&connection, AlwaysPatient);
  HeadReader reader;
  if (reader.ReadSome(&socket) != ClientSocket::Progress::kDone) return std::nullopt;
  if (rest != nullptr) {
    for (char c; socket.Read(&c, 1) == 1;) rest->push_back(c);
  }
  return reader.Take();
}

}  // namespace dedup::sidecar
