#include "http_sidecar/server/framing.h"

#include "http_sidecar/base/ascii.h"

namespace dedup::sidecar {

Framing::Framing(const RequestHead& head)
    : length_count_(head.headers.count("Content-Length")),
      coding_count_(head.headers.count("Transfer-Encoding")),
      is_http_1_0_(head.is_http_1_0),
      length_(head.Header("Content-Length")),
      coding_(head.Header("Transfer-Encoding")),
      content_encoding_(head.Header("Content-Encoding")),
      content_type_(head.Header("Content-Type")) {}

bool Framing::is_lines() const {
  const std::string type = content_type_.substr(0, content_type_.find_first_of("; \t"));
  return EqualsIgnoringCase(type, "application/x-ndjson") || EqualsIgnoringCase(type, "application/ndjson");
}

// RFC 9110, 8.4.1.3: x-gzip is another name of it.
bool Framing::is_gzip() const {
  return EqualsIgnoringCase(content_encoding_, "gzip") || EqualsIgnoringCase(content_encoding_, "x-gzip");
}

std::optional<Problem> Framing::Check() const {
  if (coding_count_ + length_count_ > 1) {
    return Problem{problems::kMalformedRequest, "a body takes one of Transfer-Encoding and Content-Length, once"};
  }
  if (is_chunked() && is_http_1_0_) {
    return Problem{problems::kMalformedRequest, "HTTP/1.0 has no Transfer-Encoding"};
  }
  if (is_chunked() && !EqualsIgnoringCase(coding_, "chunked")) {
    return Problem{problems::kMalformedRequest, "the only Transfer-Encoding that is understood is chunked"};
  }
  if (!has_length()) return std::nullopt;
  if (length_.empty() || length_.find_first_not_of("0123456789") != std::string::npos) {
    return Problem{problems::kMalformedRequest, "Content-Length takes a number"};
  }
  constexpr std::size_t kDigitsMax = 18;
  if (length_.size() > kDigitsMax || (!is_lines() && length() > kBodyBytesMax)) {
    return Problem{problems::kTooLarge, kBodyTooLarge};
  }
  return std::nullopt;
}

std::optional<Problem> Framing::CheckForPost() const {
  if (!has_body()) {
    return Problem{problems::kMalformedRequest, "the body is empty; it takes an event or an array of events in JSON"};
  }
  // The library undoes gzip for a body that is read whole.
  const bool is_understood =
      content_encoding_.empty() || EqualsIgnoringCase(content_encoding_, "identity") || (is_gzip() && !is_lines());
  if (!is_understood) {
    return Problem{problems::kUnsupportedEncoding,
                   "the only Content-Encoding that is understood is gzip, and none for application/x-ndjson"};
  }
  return std::nullopt;
}

}  // namespace dedup::sidecar
