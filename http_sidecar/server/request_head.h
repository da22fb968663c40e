// A request's head: its request line and its headers.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http_sidecar/base/ascii.h"
#include "http_sidecar/base/problem.h"
#include "http_sidecar/net/client_socket.h"

namespace dedup::sidecar {

struct RequestHead {
  struct LessIgnoringCase {
    bool operator()(std::string_view a, std::string_view b) const { return AsciiLower(a) < AsciiLower(b); }
  };

  std::string method;
  /// In origin-form, such as /events?topic=a, whatever its form in the request line; or *. Without a fragment.
  std::string target;
  std::string path;  ///< decoded, without the query
  std::string host;  ///< whom the client means, with the port if it says one: of the target, otherwise of Host
  bool is_http_1_0 = false;
  std::multimap<std::string, std::string, LessIgnoringCase> headers;
  /// What is wrong with a head that cannot be understood; it then has nothing else.
  std::optional<Problem> problem;

  /// The value of a header; repeated ones are joined by commas. An empty header counts as none: "".
  std::string Header(const std::string& name) const;
  /// Whether `element` is in a header whose value is a list (RFC 9110, 5.6.1), in whatever case.
  bool HasElement(const std::string& name, std::string_view element) const;
  /// Those whose names begin so, without that beginning, with their values; in the order of their names.
  std::vector<std::pair<std::string, std::string>> HeadersAfter(std::string_view prefix) const;
};

/// Reads a head (RFC 9112, 2 to 5) of at most 64 KiB with lines of at most 8 KiB, and any number of headers, as its
/// bytes come. Until it is whole it is kept as it came: taken apart, 64 KiB of short headers are megabytes.
///
/// Strict, because two readings of a head are how requests are smuggled past a proxy. Not left to the HTTP library: its
/// versions skip different malformed lines, allow different numbers of headers, and decode %xx in headers' values, so
/// that an event id in a header is decoded twice.
///
/// Threading: one thread at a time.
class HeadReader {
 public:
  /// Reads on as far as bytes have come. kDone: the head is whole, or it is clear already what is wrong with it.
  ClientSocket::Progress ReadSome(ClientSocket* socket);

  /// So much memory does it take, roughly, also when it is taken apart.
  std::size_t memory_bytes() const;
  bool has_begun() const { return !raw_.empty(); }

  /// Once ReadSome() has said that it is done. The next head begins then.
  RequestHead Take();

 private:
  bool TakeLine(std::string_view line);

  std::string raw_;
  std::size_t line_begin_ = 0;
  std::size_t line_count_ = 0;
  bool has_skipped_a_line_ = false;
  RequestHead head_;
};

}  // namespace dedup::sidecar
