// As much of an HTTP client as the bench needs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace dedup::bench {

struct HttpAnswer {
  int status = 0;  ///< 0: nobody answered
  std::size_t body_bytes = 0;
  double first_byte_seconds = 0;  ///< of the body
  double seconds = 0;
};

/// Reads the answer to its end, without keeping it.
HttpAnswer HttpGet(std::uint16_t port, const std::string& target);

/// Sends each body as a POST, over `connections` connections that stay open, each with one request at a time. Returns
/// the seconds that it took. Errors: std::runtime_error when an answer is not a 200.
double HttpPostAll(std::uint16_t port, const std::string& target, const std::vector<std::string>& bodies,
                   int connections);

/// Sends the bodies as POSTs over one connection, `interval` apart or as soon as the answer before is there. Returns
/// what each took, in ms, sorted. Errors: std::runtime_error when an answer is not a 200.
std::vector<double> HttpPostPaced(std::uint16_t port, const std::string& target, const std::vector<std::string>& bodies,
                                  std::chrono::microseconds interval);

}  // namespace dedup::bench
