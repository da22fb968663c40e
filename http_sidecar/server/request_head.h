// A request's head: its request line and its headers.
#pragma once

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
  std::string target;  ///< as it stands in the request line, without a fragment
  std::string path;    ///< decoded, without the query
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

/// Reads a head (RFC 9112, 2 to 5) of at most 64 KiB with lines of at most 8 KiB, and any number of headers. Nothing
/// when the client has gone, or our patience is over, before the request line is whole: then nobody waits for an
/// answer.
///
/// Strict, because two readings of a head are how requests are smuggled past a proxy. Not left to the HTTP library: its
/// versions skip different malformed lines, allow different numbers of headers, and decode %xx in headers' values, so
/// that an event id in a header is decoded twice.
std::optional<RequestHead> ReadHead(ClientSocket* socket);

}  // namespace dedup::sidecar
