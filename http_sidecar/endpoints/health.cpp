#include "http_sidecar/endpoints/health.h"

#include "http_sidecar/endpoints/endpoints.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {

Health CheckHealth(Api& api) {
  Health health{.broker = api.publisher->Trouble(), .store = {}, .plugin = {}};
  try {
    health.statistics = api.store.Read([](EventReader& reader) {
      reader.StoredSeq();
      return reader.ReadStatistics();
    });
    health.plugin =
        Joined({health.statistics->store_failing ? "the broker cannot store events; they wait in its journal" : "",
                health.statistics->journal_failing ? "the broker cannot sync its journal, so it refuses events" : ""});
  } catch (const StorageError& error) {
    health.store = StoreTrouble(error).detail;
  }
  return health;
}

std::string Joined(std::initializer_list<std::string_view> troubles) {
  std::string joined;
  for (const std::string_view trouble : troubles) {
    if (!trouble.empty()) joined.append(joined.empty() ? "" : "; ").append(trouble);
  }
  return joined;
}

Answer ServeHealth(Api& api, Request& request) {
  const Health health = CheckHealth(api);
  std::string trouble = Joined({health.broker, health.plugin, health.store});
  if (trouble.empty()) return {.status = 200, .body = ObjectText().AddText("status", "ok").Take()};
  if (request.caller.is_stranger()) trouble = kTroubleForStrangers;
  return ProblemAnswer({problems::kNotReady, trouble});
}

}  // namespace dedup::sidecar
