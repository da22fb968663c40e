// The advice as people and machines read it.
#pragma once

#include <string>

#include "command/advise/advise.h"
#include "command/capture/capture.h"

namespace dedup::command {

/// A page of text: what was watched, each rule with its evidence, each group without a rule and why, the rules file.
std::string ReportText(const Advice& advice, const Capture& capture);

/// The same as one JSON object: "watched", "rules" (what RulesText has, each with "evidence"), "groups" without a rule.
std::string ReportJson(const Advice& advice, const Capture& capture);

}  // namespace dedup::command
