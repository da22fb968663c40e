#include "http_sidecar/endpoints/health.h"

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

}  // namespace dedup::sidecar
