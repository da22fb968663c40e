// What can be measured. Each case compares with a limit: the bare broker, SQLite itself, an HTTP handler that does
// nothing.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/processes.h"
#include "tests/bench/report.h"

namespace dedup::bench {

struct Context {
  Programs programs;
  int pairs = 5;
  double scale = 1;  ///< of all amounts

  std::size_t Scaled(std::size_t amount) const;
};

struct Case {
  std::string name;  ///< `group.what`
  std::string title;
  bool is_in_plan;  ///< runs without being asked for by name
  bool has_broker;  ///< and so differs between brokers
  /// Adds figures to the result.
  std::function<void(const Context&, Result&)> run;
};

std::vector<Case> MqttCases();
std::vector<Case> StoreCases();
std::vector<Case> StartCases();
std::vector<Case> HttpCases();

}  // namespace dedup::bench
