#include "http_sidecar/http/origin.h"

#include <arpa/inet.h>

#include <algorithm>

#include "http_sidecar/base/ascii.h"

namespace dedup::sidecar {
namespace {

bool IsAllowed(const std::string& allowed, const std::string& origin) {
  return !allowed.empty() && !origin.empty() && (allowed == "*" || allowed == origin);
}

}  // namespace

bool IsOrigin(std::string_view text) {
  if (text == "*") return true;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return false;
  const std::string_view scheme = text.substr(0, scheme_end), host = text.substr(scheme_end + 3);
  return (scheme == "http" || scheme == "https") && !host.empty() &&
         host.find_first_of("/?#@ ,") == std::string_view::npos;
}

HeaderList CorsHeaders(const std::string& allowed, const HeaderReader& header) {
  if (allowed.empty()) return {};
  HeaderList headers = {{"Vary", "Origin"}};
  const std::string origin = header("Origin");
  if (IsAllowed(allowed, origin)) {
    headers.emplace_back("Access-Control-Allow-Origin", origin);
    headers.emplace_back("Access-Control-Expose-Headers",
                         "ETag, Idempotency-Replayed, Link, Retry-After, WWW-Authenticate");
  }
  return headers;
}

HeaderList PreflightHeaders(const std::string& allowed, const HeaderReader& header, std::string_view methods) {
  if (!IsAllowed(allowed, header("Origin")) || header("Access-Control-Request-Method").empty()) return {};
  HeaderList headers = {{"Access-Control-Allow-Methods", std::string(methods)}, {"Access-Control-Max-Age", "600"}};
  // All that it asks for: what matters is the token.
  if (std::string names = header("Access-Control-Request-Headers"); !names.empty()) {
    headers.emplace_back("Access-Control-Allow-Headers", std::move(names));
  }
  return headers;
}

bool IsForeign(const std::string& allowed, const HeaderReader& header) {
  const std::string origin = header("Origin");
  if (IsAllowed(allowed, origin)) return false;
  // What the browser itself says holds behind a proxy too, which may change Host.
  if (const std::string site = header("Sec-Fetch-Site"); !site.empty()) {
    return site != "same-origin" && site != "none";
  }
  if (origin.empty()) return false;
  return origin.substr(std::min(origin.find("://"), origin.size())) != "://" + header("Host");
}

bool IsLocalHost(std::string_view host, const std::vector<std::string>& names) {
  const std::size_t port = host.find_last_not_of("0123456789");
  if (port != std::string_view::npos && host[port] == ':') host = host.substr(0, port);
  const std::string name(host);
  in_addr address;
  return name.find('.') == std::string::npos || inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         std::ranges::any_of(names, [&name](const std::string& one) { return EqualsIgnoringCase(name, one); });
}

}  // namespace dedup::sidecar
