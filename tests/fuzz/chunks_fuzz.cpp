// BodyReader against the grammar of RFC 9112, 7.1, in regular expressions: the same bytes are a chunked body, they hold
// the same, and what follows begins at the same byte, in whatever pieces they come.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>

#include "http_sidecar/net/body_reader.h"
#include "tests/unit/support/bytes_connection.h"

namespace {

// Lines may have 8 KiB, and the expressions take much stack for each byte.
constexpr std::size_t kInputBytesMax = 4096;
constexpr int kTrailersMax = 100;

struct Body {
  std::string content;
  std::string rest;

  friend bool operator==(const Body&, const Body&) = default;
};

// Takes what matches off the front.
std::optional<std::smatch> TakeMatch(const std::regex& expression, std::string* text, std::smatch* match) {
  static thread_local std::string subject;
  subject = *text;
  if (!std::regex_search(subject, *match, expression, std::regex_constants::match_continuous)) return std::nullopt;
  text->erase(0, static_cast<std::size_t>(match->length()));
  return *match;
}

std::optional<Body> ByGrammar(std::string text) {
  // chunk-size [ chunk-ext ] CRLF, where the extension may be anything that a line may hold.
  static const std::regex kSize(R"(([0-9A-Fa-f]+)([ \t]*;[^\x01-\x08\x0a-\x1f\x7f]*)?\r\n)");
  static const std::regex kTrailer(R"([-!#$%&'*+.^_`|~0-9A-Za-z]+:[^\x01-\x08\x0a-\x1f\x7f]*\r\n)");
  Body body;
  std::smatch match;
  for (;;) {
    if (!TakeMatch(kSize, &text, &match)) return std::nullopt;
    std::string digits = match[1];
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    if (match[0].str().find('\0') != std::string::npos || digits.size() > 16) return std::nullopt;
    if (digits.empty()) break;
    const auto size = std::stoull(digits, nullptr, 16);
    if (size > text.size() || text.compare(size, 2, "\r\n") != 0) return std::nullopt;
    body.content += text.substr(0, size);
    text.erase(0, size + 2);
  }
  int trailers = 0;
  while (TakeMatch(kTrailer, &text, &match)) {
    if (++trailers > kTrailersMax || match[0].str().find('\0') != std::string::npos) return std::nullopt;
  }
  if (!text.starts_with("\r\n")) return std::nullopt;
  body.rest = text.substr(2);
  return body;
}

std::optional<Body> ByReader(std::string_view text, std::size_t piece_bytes) {
  dedup::sidecar::BytesConnection connection(text, piece_bytes);
  dedup::sidecar::ClientSocket socket(&connection, [] { return dedup::sidecar::kPatience; });
  dedup::sidecar::BodyReader reader(&socket, /*is_chunked=*/true, 0);
  Body body;
  try {
    while (reader.ReadSome(&body.content)) {
    }
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
  for (char c; socket.Read(&c, 1) == 1;) body.rest.push_back(c);
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kInputBytesMax) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::optional<Body> expected = ByGrammar(text);
  for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}, kInputBytesMax}) {
    if (ByReader(text, piece_bytes) == expected) continue;
    std::fprintf(stderr, "in pieces of %zu bytes: %s\n", piece_bytes,
                 expected ? "a body is refused, or read otherwise" : "what is no chunked body is taken");
    std::abort();
  }
  return 0;
}
