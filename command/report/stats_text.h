// The figures of a running plugin as people read them.
#pragma once

#include <span>
#include <string>

#include "command/report/plugin_figures.h"

namespace dedup::command {

/// A page of text: how many events and duplicates, each figure with its meaning, the rules. `broker`: its name.
std::string StatsText(const PluginFigures& figures, const std::string& broker);

/// A table of the rules, a row each, and what must not be overlooked of them.
std::string RulesTableText(std::span<const RuleFigures> rules);

}  // namespace dedup::command
