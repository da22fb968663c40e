// HeadReader against the grammar of RFC 9112, 2 to 5, in regular expressions: the same bytes are a head, and the same
// method, target, host and headers are read from them, in whatever pieces they come.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http_sidecar/base/ascii.h"
#include "http_sidecar/server/request_head.h"
#include "tests/unit/support/read_head.h"

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// Below the limits of a head, and the expressions take much stack for each byte.
constexpr std::size_t kInputBytesMax = 4096;

struct Head {
  std::string method;
  std::string target;
  std::string host;
  bool is_http_1_0 = false;
  Fields fields;  // by name, then as they came

  friend bool operator==(const Head&, const Head&) = default;
};

bool IsHost(const std::string& text) {
  static const std::regex kHost(R"((\[[0-9A-Fa-f:.]*\]|[-A-Za-z0-9._~%!$&'()*+,;=]*)(:[0-9]*)?)");
  return std::regex_match(text, kHost);
}

// The target in origin-form, and the host that it names; false where it is none that the method takes.
bool TakeTarget(std::string target, Head* head) {
  static const std::regex kAbsolute(R"([Hh][Tt][Tt][Pp][Ss]?://([^/?#]+)([^#]*))");
  target = target.substr(0, target.find('#'));
  std::smatch match;
  if (std::regex_match(target, match, kAbsolute)) {
    head->host = match[1];
    const std::string path = match[2];
    head->target = (path.starts_with('/') ? "" : "/") + path;
    return IsHost(head->host);
  }
  head->target = target;
  if (head->method == "OPTIONS" && target == "*") return true;
  if (head->method == "CONNECT" && !target.empty() && IsHost(target)) return true;
  return target.starts_with('/');
}

void SortByName(Fields* fields) {
  std::ranges::stable_sort(*fields, {}, [](const auto& field) { return dedup::sidecar::AsciiLower(field.first); });
}

std::optional<Head> ByGrammar(std::string_view text) {
  static const std::regex kRequestLine(
      R"((GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH) ([^\x01-\x20\x7f]+) HTTP/1\.([0-9]))");
  static const std::regex kField(R"(([-!#$%&'*+.^_`|~0-9A-Za-z]+):([^\x01-\x08\x0a-\x1f\x7f]*))");
  if (text.starts_with("\r\n")) text.remove_prefix(2);
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  text = text.substr(0, end + 2);
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  Head head;
  for (bool is_first = true; !text.empty(); is_first = false) {
    const std::string line(text.substr(0, text.find("\r\n")));
    text.remove_prefix(line.size() + 2);
    std::smatch match;
    if (is_first) {
      if (!std::regex_match(line, match, kRequestLine)) return std::nullopt;
      head.method = match[1];
      head.is_http_1_0 = match[3] == "0";
      if (!TakeTarget(match[2], &head)) return std::nullopt;
    } else {
      if (!std::regex_match(line, match, kField)) return std::nullopt;
      static const std::regex kBlanksAround(R"(^[ \t]+|[ \t]+$)");
      head.fields.emplace_back(match[1], std::regex_replace(match[2].str(), kBlanksAround, ""));
    }
  }
  const auto is_host = [](const auto& field) { return dedup::sidecar::AsciiLower(field.first) == "host"; };
  const auto hosts = std::ranges::count_if(head.fields, is_host);
  if (hosts > 1 || (hosts == 0 && !head.is_http_1_0)) return std::nullopt;
  if (hosts == 1) {
    const std::string host = std::ranges::find_if(head.fields, is_host)->second;
    if (!IsHost(host)) return std::nullopt;
    if (head.host.empty()) head.host = host;
  }
  SortByName(&head.fields);
  return head;
}

std::optional<Head> ByReader(std::string_view text, std::size_t piece_bytes) {
  const std::optional<dedup::sidecar::RequestHead> read = dedup::sidecar::ReadHead(text, nullptr, piece_bytes);
  if (!read || read->problem) return std::nullopt;
  Head head{read->method, read->target, read->host, read->is_http_1_0, {read->headers.begin(), read->headers.end()}};
  SortByName(&head.fields);
  return head;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kInputBytesMax) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::optional<Head> expected = ByGrammar(text);
  for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}, kInputBytesMax}) {
    if (ByReader(text, piece_bytes) == expected) continue;
    std::fprintf(stderr, "in pieces of %zu bytes: %s\n", piece_bytes,
                 expected ? "a head is refused, or read otherwise" : "what is no head is taken");
    std::abort();
  }
  return 0;
}
