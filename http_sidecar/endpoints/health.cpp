#include "http_sidecar/endpoints/health.h"

#include <chrono>
#include <utility>

#include "http_sidecar/base/time.h"
#include "http_sidecar/endpoints/endpoints.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {
namespace {

// So long a loss is shown.
constexpr std::chrono::hours kLossShown{24};

// Accepted events that are gone: nothing fails for them any more, but somebody should know.
ObjectText LossOf(const Health& health) {
  ObjectText loss;
  if (!health.statistics || health.statistics->lost_ms == 0) return loss;
  const std::int64_t lost_us = health.statistics->lost_ms * 1000;
  // Of a clock that was wrong then or is now, a time to come may be just as far away.
  if (std::chrono::abs(std::chrono::microseconds(NowUs() - lost_us)) > kLossShown) return loss;
  loss.Add("lost", health.statistics->lost).AddText("lost_at", FormatTime(lost_us));
  return loss;
}

}  // namespace

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
  const bool is_stranger = request.caller.is_stranger();
  ObjectText answer = is_stranger ? ObjectText() : LossOf(health);
  if (trouble.empty()) return {.status = 200, .body = answer.AddText("status", "ok").Take()};
  return ProblemAnswer({problems::kNotReady, is_stranger ? kTroubleForStrangers : trouble}, std::move(answer));
}

}  // namespace dedup::sidecar
