#include "http_sidecar/http/etag.h"

#include <algorithm>

namespace dedup::sidecar {

bool SetTag(std::string_view tag, const Request& request, Answer* answer) {
  const std::string quoted = '"' + std::string(tag) + '"';
  answer->headers.emplace_back("ETag", quoted);
  const std::string known = request.header("If-None-Match");
  // Tags hold no quotes, so nothing else in the list can look like ours. A weak one (W/"…") is as good here.
  if (known != "*" && known.find(quoted) == std::string::npos) return false;
  answer->status = 304;
  return true;
}

}  // namespace dedup::sidecar
