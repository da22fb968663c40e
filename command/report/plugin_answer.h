// The plugin's answers as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace dedup::command {

/// What `read` makes of the answers. Errors: std::runtime_error, when they lack something that it looks for.
template <class Read>
auto FromAnswers(std::span<const std::string> answers, const Read& read) {
  try {
    std::vector<nlohmann::json> parsed;
    for (const std::string& answer : answers) parsed.push_back(nlohmann::json::parse(answer));
    return read(parsed);
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(
        std::string("the plugin's answer cannot be understood; is it of another version than this program? (") +
        error.what() + ")");
  }
}

}  // namespace dedup::command
