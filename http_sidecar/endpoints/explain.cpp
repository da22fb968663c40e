#include <chrono>
#include <string>
#include <string_view>

#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/plugin_answer.h"
#include "http_sidecar/publish/parse_batch.h"
#include "plugin/core/text/json.h"

namespace dedup::sidecar {

// The members are the plugin's to check; what is here is what makes them a command's.
Answer ServeExplain(Api& api, Request& request) {
  json::Reader reader(request.body);
  if (!reader.EnterObject()) {
    json::Value value;
    if (!reader.ReadDocument(&value)) return ProblemAnswer(InvalidJson(reader));
    return ProblemAnswer({problems::kInvalidMessage, "the body is to be a JSON object: a message to explain"});
  }
  std::string members;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    if (json::Means(name, "command") || json::Means(name, "correlationData")) {
      return ProblemAnswer({problems::kInvalidMessage, "a message has no member " + std::string(name)});
    }
    members.append(members.empty() ? "" : ",").append(name).append(":").append(value.text);
  }
  if (!reader.ok()) return ProblemAnswer(InvalidJson(reader));
  if (members.size() > kCommandMembersBytesMax) {
    return ProblemAnswer({problems::kTooLarge, "a message to explain takes at most " +
                                                   std::to_string(kCommandMembersBytesMax) + " bytes of JSON"});
  }
  return AnswerOfPlugin(api.publisher->Ask({"explain", members}, std::chrono::seconds(0)), problems::kInvalidMessage);
}

}  // namespace dedup::sidecar
