#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/health.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {

Answer ServeHealth(Api& api, Request& request) {
  const Health health = CheckHealth(api);
  std::string trouble = Joined({health.broker, health.plugin, health.store});
  if (trouble.empty()) return {.status = 200, .body = ObjectText().AddText("status", "ok").Take()};
  if (request.caller.is_stranger()) trouble = kTroubleForStrangers;
  return ProblemAnswer({problems::kNotReady, trouble});
}

}  // namespace dedup::sidecar
