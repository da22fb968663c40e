// A key that stood its trial, in the words of a rules file.
#pragma once

#include <string>
#include <vector>

#include "command/traffic/grouping.h"
#include "command/traffic/table.h"
#include "command/trial/trial.h"

namespace dedup::command {

struct RuleProposal {
  std::string name;
  std::vector<std::string> topics;
  std::vector<std::string> key;
  std::vector<std::string> ignore;
  std::vector<int> ignore_levels;
  std::string window;
  double window_s = 0;
  std::string mode = "observe";
  std::vector<std::string> marks;  ///< further parts that each message of the group has, and perhaps no other
};

/// The rule, without a name. Its key has no parts where none can be written that says what the trial's key does.
RuleProposal MakeRule(const Group& group, const Table& table, const Trial& trial);

/// A name from the words of the rule's topics, other than those `taken`.
std::string NameFor(const Group& group, const std::vector<std::string>& taken);

/// A window as people write one, such as 300ms, 5s or 2m: the longest of at most window_s, and least_s at least.
std::string WindowText(double window_s, double least_s, double* exact_s);

}  // namespace dedup::command
