// Rules by number, for topics that no bench publishes on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dedup::bench {

/// The text of a rules file with `count` rules, of which the last is `last`.
inline std::string ManyRules(std::size_t count, std::string_view last) {
  std::string rules;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const std::string n = std::to_string(i);
    rules += "{\"name\":\"r" + n + "\",\"topics\":[\"site/" + n + "/+/state\",\"plant/+/line" + n +
             "/#\"],\"key\":[\"/id" + n + "\",\"/device\"]},";
  }
  return "{\"rules\":[" + rules.append(last) + "]}";
}

}  // namespace dedup::bench
