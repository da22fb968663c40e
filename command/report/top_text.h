// What has changed between two looks at a running plugin's figures: rates, and where duplicates come from.
#pragma once

#include <cstddef>
#include <string>

#include "command/report/plugin_figures.h"

namespace dedup::command {

/// The figures at one time, and those of an earlier one.
struct TopView {
  const PluginFigures& before;
  const PluginFigures& now;
  double seconds;  ///< between them, more than 0
};

/// Rates of all events, then rules, topics and clients, those with most duplicates a second first; cut to so many lines
/// and characters. A rate that the figures do not tell is "-".
std::string TopScreen(const TopView& view, std::size_t lines, std::size_t columns);

/// The same on one line: the rates of all events, and the rule and the topic with most duplicates a second, if any has.
std::string TopLine(const TopView& view);

}  // namespace dedup::command
