#include "http_sidecar/server/request_head.h"

#include <algorithm>
#include <cstddef>

#include "http_sidecar/base/header_field.h"
#include "http_sidecar/base/percent.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kHeadBytesMax = std::size_t{64} * 1024;
constexpr std::size_t kLineBytesMax = std::size_t{8} * 1024;  // with its end
constexpr std::string_view kLineEnd = "\r\n";

// What else stands in the place of a method comes from a client that speaks another protocol.
constexpr std::string_view kMethods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                         "CONNECT", "OPTIONS", "TRACE", "PATCH"};

constexpr char kNoHeader[] = "a header takes a name, a colon and a value, and ends with CR LF";

RequestHead Failed(const ProblemType& type, std::string detail) {
  RequestHead head;
  head.problem = Problem{type, std::move(detail)};
  return head;
}

// RFC 3986, 3.2.2 and 3.2.3: a name, an IPv4 address or one of IPv6 in brackets, and the port. Empty where the client
// knows none.
bool IsHost(std::string_view text) {
  const std::size_t last = text.find_last_not_of("0123456789");
  if (last != std::string_view::npos && text[last] == ':') text = text.substr(0, last);
  if (text.starts_with('[')) {
    return text.ends_with(']') &&
           text.substr(1, text.size() - 2).find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
  }
  return std::ranges::all_of(text, [](char c) {
    return ('0' <= c && c <= '9') || ('a' <= AsciiLower(c) && AsciiLower(c) <= 'z') ||
           std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
  });
}

// Brings the target into origin-form (RFC 9112, 3.2).
bool TakeTarget(std::string_view target, RequestHead* head) {
  target = target.substr(0, target.find('#'));
  if (target == "*" && head->method == "OPTIONS") {
    head->target = target;
    head->path = target;
    return true;
  }
  const std::size_t scheme_end = target.find("://");
  const std::string_view scheme = target.substr(0, std::min(scheme_end, target.size()));
  if (EqualsIgnoringCase(scheme, "http") || EqualsIgnoringCase(scheme, "https")) {
    target.remove_prefix(scheme_end + 3);
    const std::size_t host_end = std::min(target.find_first_of("/?"), target.size());
    head->host = target.substr(0, host_end);
    if (head->host.empty() || !IsHost(head->host)) return false;
    target.remove_prefix(host_end);
    head->target = (target.starts_with('/') ? "" : "/") + std::string(target);
  } else if (head->method == "CONNECT" && !target.empty() && IsHost(target)) {
    head->target = target;  // which leads nowhere
  } else {
    if (!target.starts_with('/')) return false;
    head->target = target;
  }
  head->path = PercentDecoded(std::string_view(head->target).substr(0, head->target.find('?')), Plus::kIsItself);
  return true;
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
  // RFC 9110, 2.5: what has the same major version is understood.
  constexpr std::string_view kVersion = "HTTP/1.";
  if (!version.starts_with(kVersion) || version.size() != kVersion.size() + 1 || version.back() < '0' ||
      version.back() > '9') {
    return false;
  }
  head->is_http_1_0 = version.back() == '0';
  head->method = method;
  return TakeTarget(target, head);
}

// Whom the client means (RFC 9112, 3.2): in HTTP/1.1 it must say so, and once.
bool TakeHost(RequestHead* head) {
  const std::size_t count = head->headers.count("Host");
  if (count > 1 || (count == 0 && !head->is_http_1_0)) return false;
  if (count == 0) return true;
  const std::string& host = head->headers.find("Host")->second;
  if (!IsHost(host)) return false;
  if (head->host.empty()) head->host = host;
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

ClientSocket::Progress HeadReader::ReadSome(ClientSocket* socket) {
  using Progress = ClientSocket::Progress;
  for (;;) {
    const std::size_t line_bytes_left = kLineBytesMax - (raw_.size() - line_begin_);
    const Progress progress = socket->TryReadLine(std::min(line_bytes_left, kHeadBytesMax - raw_.size()), &raw_);
    if (progress != Progress::kDone) return progress;
    if (TakeLine(std::string_view(raw_).substr(line_begin_))) return Progress::kDone;
    line_begin_ = raw_.size();
  }
}

// True when it is the last line, or the first that is wrong.
bool HeadReader::TakeLine(std::string_view line) {
  const bool is_first = line_count_ == 0;
  ++line_count_;
  if (!line.ends_with('\n')) {
    head_ = is_first ? Failed(problems::kTargetTooLong, "the request line is longer than 8 KiB")
                     : Failed(problems::kHeadTooLarge, "the head is larger than 64 KiB, or a header longer than 8 KiB");
    return true;
  }
  const bool is_line = line.ends_with(kLineEnd);
  if (is_line) line.remove_suffix(kLineEnd.size());
  if (!is_first) {
    if (!is_line) head_ = Failed(problems::kMalformedRequest, kNoHeader);
    return !is_line || line.empty();
  }
  // RFC 9112, 2.2: some clients send an empty line behind a body.
  if (is_line && line.empty() && !has_skipped_a_line_) {
    has_skipped_a_line_ = true;
    raw_.clear();
    line_count_ = 0;
    return false;
  }
  if (is_line && ParseRequestLine(line, &head_)) return false;
  head_ = Failed(problems::kMalformedRequest,
                 "this is no HTTP request: its first line takes a method, a target and HTTP/1.1");
  return true;
}

std::size_t HeadReader::memory_bytes() const {
  constexpr std::size_t kHeaderBytes = 160;  // as an entry of the map, beside its text
  return 2 * raw_.size() + kHeaderBytes * line_count_;
}

RequestHead HeadReader::Take() {
  RequestHead head = std::exchange(head_, {});
  std::string_view rest = raw_;
  for (bool is_request_line = true; !rest.empty() && !head.problem; is_request_line = false) {
    const std::string_view line = rest.substr(0, rest.find(kLineEnd));
    rest.remove_prefix(line.size() + kLineEnd.size());
    if (is_request_line || line.empty()) continue;
    if (const auto field = ParseField(line)) {
      head.headers.emplace(field->first, field->second);
    } else {
      head = Failed(problems::kMalformedRequest, kNoHeader);
    }
  }
  if (!head.problem && !TakeHost(&head)) {
    head = Failed(problems::kMalformedRequest,
                  "HTTP/1.1 takes one header Host, with the name or the address of this server");
  }
  *this = {};
  return head;
}

}  // namespace dedup::sidecar
