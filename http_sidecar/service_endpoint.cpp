#include <vector>

#include "endpoints.h"
#include "json_text.h"

namespace dedup::sidecar {

Answer ServeService(Api&, Request&) {
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

}  // namespace dedup::sidecar
