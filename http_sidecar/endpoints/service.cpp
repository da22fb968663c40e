#include <vector>

#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/page.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {

namespace {

Answer ServiceAnswer() {
  std::vector<std::string> paths;
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.path != "/") paths.push_back(Quoted(endpoint.path));
  }
  return {.status = 200,
          .body = ObjectText()
                      .AddText("service", "mosquitto-dedup")
                      .AddText("version", DEDUP_VERSION)
                      .AddText("status", "running")
                      .AddRaw("available_endpoints", ArrayText({paths.begin(), paths.end()}))
                      .Take()};
}

}  // namespace

Answer ServeService(Api&, Request& request) {
  Answer answer = WantsPage(request.header("Accept")) ? PageFile("index.html", request) : ServiceAnswer();
  answer.headers.emplace_back("Vary", "Accept");
  return answer;
}

}  // namespace dedup::sidecar
