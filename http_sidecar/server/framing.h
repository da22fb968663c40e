// How a request announces its body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "http_sidecar/base/problem.h"
#include "http_sidecar/server/request_head.h"

namespace dedup::sidecar {

inline constexpr std::size_t kBodyBytesMax = std::size_t{16} << 20;
inline constexpr char kBodyTooLarge[] = "the body is larger than 16 MiB; send the events in several requests";

class Framing {
 public:
  Framing() = default;
  explicit Framing(const RequestHead& head);

  /// Also one that is announced in a way that cannot be understood.
  bool has_body() const { return is_chunked() || (has_length() && length_ != "0"); }
  bool is_chunked() const { return coding_count_ > 0; }
  bool has_length() const { return length_count_ > 0; }
  /// A body of a known length that may have come with its head.
  bool is_short() const { return has_length() && length() <= std::uint64_t{64} * 1024; }
  /// A stream of events, of any length.
  bool is_lines() const;
  bool is_gzip() const;
  /// Of a body that has one, once Check() has found nothing.
  std::uint64_t length() const { return std::stoull(length_); }

  /// What is wrong with it. Strict, because two readings of where a request ends are how requests are smuggled past a
  /// proxy.
  std::optional<Problem> Check() const;
  /// Besides, for a request that must have a body.
  std::optional<Problem> CheckForPost() const;

 private:
  std::size_t length_count_ = 0;
  std::size_t coding_count_ = 0;
  bool is_http_1_0_ = false;
  std::string length_;            // Content-Length
  std::string coding_;            // Transfer-Encoding
  std::string content_encoding_;  // Content-Encoding
  std::string content_type_;      // Content-Type
};

}  // namespace dedup::sidecar
