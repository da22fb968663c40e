#include "http_sidecar/endpoints/page.h"

#include <string>

#include "http_sidecar/endpoints/embedded_files.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/http/accept.h"

namespace dedup::sidecar {
namespace {

// Whatever an event may hold, the page runs no script but its own and talks to nobody else.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view ContentTypeOf(std::string_view name) {
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  return "text/html; charset=utf-8";
}

}  // namespace

bool WantsPage(std::string_view accept) {
  bool wants_page = false;
  double best_quality = 0;
  ForEachAccepted(accept, [&](std::string_view type, double quality) {
    const bool is_page = type == "text/html";
    const bool is_json = type == "application/json" || type == "application/*" || type == "*/*";
    if ((!is_page && !is_json) || quality <= best_quality) return;
    wants_page = is_page;
    best_quality = quality;
  });
  return wants_page;
}

Answer PageFile(std::string_view name, const Request& request) {
  Answer answer = FileAnswer("page/" + std::string(name), ContentTypeOf(name), request);
  answer.headers.emplace_back("Content-Security-Policy", kPolicy);
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  answer.headers.emplace_back("Referrer-Policy", "no-referrer");
  return answer;
}

Answer ServePageFile(Api&, Request& request) {
  return PageFile(std::string_view(request.path).substr(request.path.rfind('/') + 1), request);
}

}  // namespace dedup::sidecar
