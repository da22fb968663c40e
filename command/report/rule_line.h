// A rule of a rules file on one line.
#pragma once

#include <chrono>
#include <string>

#include "plugin/core/rules/rule.h"

namespace dedup::command {

/// "ble: home/+/BTtoMQTT/+ without level 2; key payload without /rssi; window 30s; observes".
std::string RuleLine(const Rule& rule);

/// The same of the rule that the plugin's options make; the line says so.
std::string RuleLine(const DefaultRule& rule);

/// A window as a rules file has it: "30s", "250ms", "forever".
std::string WindowText(std::chrono::milliseconds window);

}  // namespace dedup::command
