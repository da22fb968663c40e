#include "http_sidecar/publish/publish_options.h"

#include <string>

#include "http_sidecar/http/query.h"

namespace dedup::sidecar {

std::variant<PublishOptions, Problem> ParsePublishOptions(std::string_view target) {
  PublishOptions options;
  const auto value = [target](const char* name, const char* otherwise) {
    return RawQueryValue(target, name) ? QueryValue(target, name) : otherwise;
  };
  const std::string qos = value("qos", "1");
  if (qos.size() != 1 || qos[0] < '0' || qos[0] > '2')
    return Problem{problems::kInvalidParameter, "qos takes 0, 1 or 2"};
  options.qos = qos[0] - '0';
  const std::string retain = value("retain", "false");
  if (retain != "true" && retain != "false") return Problem{problems::kInvalidParameter, "retain takes true or false"};
  options.retain = retain == "true";
  const std::string results = value("results", "brief");
  if (results != "full" && results != "brief" && results != "summary") {
    return Problem{problems::kInvalidParameter, "results takes full, brief or summary"};
  }
  options.full_results = results == "full";
  options.summary = results == "summary";
  return options;
}

}  // namespace dedup::sidecar
