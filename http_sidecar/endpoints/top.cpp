#include <chrono>

#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/plugin_answer.h"

namespace dedup::sidecar {

// From the plugin's memory: the store knows nothing of duplicates.
Answer ServeTop(Api& api, Request&) {
  return AnswerOfPlugin(api.publisher->Ask({"top", {}}, std::chrono::seconds(1)), problems::kBrokerUnavailable);
}

}  // namespace dedup::sidecar
