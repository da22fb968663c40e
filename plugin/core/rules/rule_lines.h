// Where in a rules file something stands, which the parser of its tree does not tell.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/text/json.h"

namespace dedup {

/// "line 3, column 7", both from 1, columns in bytes.
std::string PlaceOf(std::string_view text, std::size_t offset);

/// The lines of the rules of a file and of their members.
class RuleLines {
 public:
  /// The text is valid JSON.
  explicit RuleLines(std::string_view text);

  /// Of a rule's member, or of the rule itself if it has no such member; rules are numbered from 0.
  std::size_t Of(std::size_t rule, const std::string& member) const;

 private:
  struct Rule {
    std::size_t line = 1;
    std::map<std::string, std::size_t> members;
  };

  void ReadRules(json::Reader& reader);
  std::size_t LineAt(std::size_t offset);

  const std::string_view text_;
  std::vector<Rule> rules_;
  std::size_t line_ = 1;     // of the byte before which was counted
  std::size_t counted_ = 0;  // bytes
};

}  // namespace dedup
