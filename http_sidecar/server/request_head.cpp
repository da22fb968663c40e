#include "http_sidecar/server/request_head.h"

#include <algorithm>
#include <cstddef>

#include "http_sidecar/base/percent.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kHeadBytesMax = std::size_t{64} * 1024;
constexpr std::size_t kLineBytesMax = std::size_t{8} * 1024;  // with its end
constexpr std::string_view kLineEnd = "\r\n";

// What else stands in the place of a method comes from a client that speaks another protocol.
constexpr std::string_view kMethods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                         "CONNECT", "OPTIONS", "TRACE", "PATCH"};

RequestHead Failed(const ProblemType& type, std::string detail) {
  RequestHead head;
  head.problem = Problem{type, std::move(detail)};
  return head;
}

constexpr bool IsControl(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; }

// RFC 9110, 5.6.2.
constexpr bool IsTokenCharacter(char c) {
  return ('0' <= c && c <= '9') || ('a' <= AsciiLower(c) && AsciiLower(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view WithoutSpaceAround(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

bool ParseRequestLine(std::string_view line, RequestHead* head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return false;
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (std::ranges::find(kMethods, method) == std::end(kMethods)) return false;
  if (target.empty() || std::ranges::any_of(target, [](char c) { return IsControl(c) || c == ' '; })) return false;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return false;
  head->method = method;
  head->target = target.substr(0, target.find('#'));
  head->path = PercentDecoded(head->target.substr(0, head->target.find('?')), Plus::kIsItself);
  head->is_http_1_0 = version == "HTTP/1.0";
  return true;
}

// A line that goes on with the one before it begins with a space, and so has no name.
bool ParseHeader(std::string_view line, RequestHead* head) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = WithoutSpaceAround(line.substr(colon + 1));
  if (!std::ranges::all_of(name, IsTokenCharacter)) return false;
  if (std::ranges::any_of(value, [](char c) { return IsControl(c) && c != '\t'; })) return false;
  head->headers.emplace(name, value);
  return true;
}

}  // namespace

std::string RequestHead::Header(const std::string& name) const {
  std::string joined;
  const auto [begin, end] = headers.equal_range(name);
  for (auto header = begin; header != end; ++header) {
    if (!header->second.empty()) joined.append(joined.empty() ? "" : ", ").append(header->second);
  }
  return joined;
}

bool RequestHead::HasElement(const std::string& name, std::string_view element) const {
  const std::string value = Header(name);
  std::string_view left = value;
  for (;;) {
    const std::size_t comma = left.find(',');
    if (EqualsIgnoringCase(WithoutSpaceAround(left.substr(0, comma)), element)) return true;
    if (comma == std::string_view::npos) return false;
    left.remove_prefix(comma + 1);
  }
}

std::vector<std::pair<std::string, std::string>> RequestHead::HeadersAfter(std::string_view prefix) const {
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto& [name, value] : headers) {
    if (!value.empty() && EqualsIgnoringCase(name.substr(0, prefix.size()), prefix)) {
      found.emplace_back(name.substr(prefix.size()), value);
    }
  }
  return found;
}

std::optional<RequestHead> ReadHead(ClientSocket* socket) {
  socket->BeginHead();
  RequestHead head;
  std::string line;
  if (!socket->ReadLine(kLineBytesMax, &line)) return std::nullopt;
  if (!line.ends_with('\n')) return Failed(problems::kTargetTooLong, "the request line is longer than 8 KiB");
  std::size_t bytes_left = kHeadBytesMax - line.size();
  if (!line.ends_with(kLineEnd) ||
      !ParseRequestLine(std::string_view(line).substr(0, line.size() - kLineEnd.size()), &head)) {
    return Failed(problems::kMalformedRequest,
                  "this is no HTTP request: its first line takes a method, a target and HTTP/1.1");
  }
  for (;;) {
    line.clear();
    if (!socket->ReadLine(std::min(kLineBytesMax, bytes_left), &line)) {
      return Failed(problems::kMalformedRequest, "the request's head ended too soon");
    }
    if (!line.ends_with('\n')) {
      return Failed(problems::kHeadTooLarge, "the head is larger than 64 KiB, or a header longer than 8 KiB");
    }
    bytes_left -= line.size();
    if (line == kLineEnd) return head;
    if (!line.ends_with(kLineEnd) ||
        !ParseHeader(std::string_view(line).substr(0, line.size() - kLineEnd.size()), &head)) {
      return Failed(problems::kMalformedRequest, "a header takes a name, a colon and a value, and ends with CR LF");
    }
  }
}

}  // namespace dedup::sidecar
