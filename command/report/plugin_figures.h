// What the plugin of a running broker has counted.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plugin/core/contract/control.h"
#include "plugin/core/contract/figures.h"
#include "plugin/core/contract/rule_counters.h"

namespace dedup::command {

struct RuleFigures {
  std::string name;
  bool observes = false;
  std::vector<std::string> topics;
  std::optional<std::chrono::milliseconds> window;  ///< nothing: forever
  std::string since;                                ///< of its counters, RFC 3339
  std::array<std::uint64_t, std::size(kRuleFigures)> values = {};
  std::string warning;  ///< what must not be overlooked, a sentence; empty where there is nothing
};

struct TopFigures {
  std::string text;  ///< a topic, or a client id
  std::uint64_t events = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t error = 0;  ///< by so many each of them may be higher
};

struct PluginFigures {
  std::string version;
  std::string trouble;  ///< why there are no values; empty where there are
  std::optional<std::array<std::uint64_t, std::size(kFigures)>> values;
  std::vector<RuleFigures> rules;
  // If the plugin was asked about them:
  std::string top_since;  ///< RFC 3339
  std::vector<TopFigures> topics;
  std::vector<TopFigures> clients;  ///< of duplicates; without events

  /// One of kFigures by its name; 0 where there are no values.
  std::uint64_t Value(std::string_view name) const;
};

/// What to ask the plugin for figures, the last one for the busiest topics and clients.
extern const PluginCommand kFigureCommands[3];

/// Reads the answers to all of these commands, or to all but the last.
/// Errors: std::runtime_error, when they are not what this program knows.
PluginFigures ReadFigures(std::span<const std::string> answers);

/// The same answers as one JSON object: "stats" and the rest, each as the plugin has it.
std::string FiguresJson(std::span<const std::string> answers);

/// Reads the answer to the command "rules". Errors: as above.
std::vector<RuleFigures> ReadRuleFigures(const std::string& answer);

/// One of its rules, or the answer to the command "rule". Errors: nlohmann::json::exception.
RuleFigures ReadRuleFigure(const nlohmann::json& rule);

}  // namespace dedup::command
