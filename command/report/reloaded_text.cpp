#include "command/report/reloaded_text.h"

#include "command/report/plugin_answer.h"
#include "command/report/words.h"

namespace dedup::command {

std::string ReloadedText(const std::string& answer) {
  return FromAnswers({&answer, 1}, [](const std::vector<nlohmann::json>& parsed) {
    const nlohmann::json& reloaded = parsed.front();
    std::string text = CountOf(reloaded.at("rules").get<std::uint64_t>(), "rule is", "rules are") + " in use.\n";
    for (const nlohmann::json& warning : reloaded.at("warnings")) {
      text += "Warning: " + warning.get<std::string>() + "\n";
    }
    return text;
  });
}

}  // namespace dedup::command
