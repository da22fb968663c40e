#include "endpoints.h"
#include "json_text.h"

namespace dedup::sidecar {

Answer ServeHealth(Api& api, Request&) {
  std::string trouble = api.publisher->Trouble();
  const auto add = [&trouble](std::string_view text) { (trouble += trouble.empty() ? "" : "; ") += text; };
  try {
    const Statistics statistics = api.readers.Use([](EventReader& reader) {
      reader.StoredSeq();
      return reader.ReadStatistics();
    });
    if (statistics.store_failing) add("the broker cannot store events; they wait in its journal");
    if (statistics.journal_failing) add("the broker cannot sync its journal, so it refuses events");
  } catch (const StorageError& error) {
    add(StoreTrouble(error));
  }
  if (trouble.empty()) return {.status = 200, .body = ObjectText().AddText("status", "ok").Take()};
  return {.status = 503, .body = ObjectText().AddText("status", "unavailable").AddText("detail", trouble).Take()};
}

}  // namespace dedup::sidecar
