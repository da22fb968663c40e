// The access log: what was asked and what was answered, a line of JSON on stderr for each request.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dedup::sidecar {

/// A request that has been answered.
struct AccessRecord {
  std::string_view method;
  std::string_view target;  ///< as it stands in the request line; only its path is shown, for a query may hold secrets
  int status;
  std::size_t bytes;  ///< of the answer, with its head
  std::chrono::duration<double> took;
  std::string_view client;  ///< see PeerOf
  std::string_view request_id;
};

/// {"time":"2026-01-31T12:00:00.000000Z","method":"POST","path":"/publish","status":200,"bytes":301,
/// "duration_ms":1.234,"client":"127.0.0.1:40022","request_id":"…"}, without a line break. `now_us`: UTC, when it was
/// answered. In method and path bytes that are no visible ASCII are shown as %XX.
std::string AccessLine(const AccessRecord& record, std::int64_t now_us);

/// The id by which a request is found in other logs: the one that the client gives, or a new one where that is empty,
/// longer than 128 bytes, or holds more than letters, digits and -_.:/+=@. Threading: from any thread.
std::string RequestId(std::string_view given);

}  // namespace dedup::sidecar
