// What the query of a POST /publish asks for.
#pragma once

#include <string_view>
#include <variant>

#include "http_sidecar/base/problem.h"

namespace dedup::sidecar {

struct PublishOptions {
  int qos = 1;
  bool retain = false;
  bool full_results = false;  ///< see Result
  bool summary = false;       ///< of a stream of lines: one result in place of one for each event
};

/// The problem, a 400, names the parameter and what it takes.
std::variant<PublishOptions, Problem> ParsePublishOptions(std::string_view target);

}  // namespace dedup::sidecar
