// The recipes of docs/recipes: each loads, and does with the messages of tests/recipes what is said there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/rules/key_finder.h"
#include "plugin/core/rules/rules_file.h"

namespace dedup {
namespace {

using nlohmann::ordered_json;
using std::chrono::milliseconds;
using testing::IsEmpty;

const std::filesystem::path kRecipes = DEDUP_SOURCE_DIR "/docs/recipes";
const std::filesystem::path kExamples = DEDUP_SOURCE_DIR "/tests/recipes";

std::vector<std::string> NamesIn(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string FromBase64(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char digit : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<std::uint32_t>(kDigits.find(digit));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count & 0xFF));
  }
  return bytes;
}

// A message of tests/recipes: its payload is a text, bytes in base64, or JSON.
struct Message {
  explicit Message(const ordered_json& json)
      : topic(json.at("topic")),
        client(json.value("client", "gateway")),
        username(json.value("username", "")),
        at(std::llround(json.at("at_s").get<double>() * 1000)) {
    if (json.contains("payload_base64")) {
      payload = FromBase64(json.at("payload_base64").get<std::string>());
    } else {
      payload = json.at("payload").is_string() ? json.at("payload").get<std::string>() : json.at("payload").dump();
    }
    if (!json.contains("properties")) return;
    for (const auto& property : json.at("properties").at("user")) properties.emplace_back(property[0], property[1]);
  }

  std::string topic, payload, client, username;
  std::vector<std::pair<std::string, std::string>> properties;
  milliseconds at;
};

// What the plugin makes of messages that come at their times.
class Replay {
 public:
  explicit Replay(RuleSet rules) : finder_(std::move(rules), HashSecret{3, 1, 4}) {}

  // A key that was remembered but is no more: "processed again".
  std::string VerdictOn(const Message& message) {
    std::vector<UserProperty> properties;
    for (const auto& [name, value] : message.properties) properties.push_back({name, value});
    const Finding finding =
        finder_.Find({message.topic, message.payload, message.client, message.username, properties});
    if (finding.status != FindStatus::kKey) return "passed";
    const bool is_default = finding.key.rule == finder_.rules().default_number();
    const milliseconds window =
        is_default ? kForever : finder_.rules().rules[finding.key.rule].window.value_or(kForever);
    const auto [seen, is_new] = seen_.try_emplace({finding.key.hash.high, finding.key.hash.low}, message.at);
    ++verdicts_[std::string(finder_.rules().NameOf(finding.key.rule))][is_new ? "processed" : "duplicate"];
    if (is_new) return "processed";
    if (message.at - seen->second < window) return "duplicate";
    seen->second = message.at;
    return "processed again";
  }
  // Rule -> verdict -> count.
  const std::map<std::string, std::map<std::string, int>>& verdicts() const { return verdicts_; }

 private:
  KeyFinder finder_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, milliseconds> seen_;
  std::map<std::string, std::map<std::string, int>> verdicts_;
};

ordered_json ExamplesOf(const std::string& recipe) {
  std::ifstream file(kExamples / (recipe + ".json"));
  return ordered_json::parse(file).at("messages");
}

void ExpectVerdicts(const RuleSet& rules, const std::string& recipe) {
  Replay replay(rules);
  milliseconds before{0};
  for (const auto& json : ExamplesOf(recipe)) {
    const Message message(json);
    EXPECT_GE(message.at, before) << "the examples stand in the order of time: " << json;
    before = message.at;
    EXPECT_EQ(replay.VerdictOn(message), json.at("expect").get<std::string>()) << recipe << ": " << json;
  }
}

class RecipesTest : public testing::TestWithParam<std::string> {
 protected:
  static RulesFile Load() { return ReadRulesFile(kRecipes / (GetParam() + ".json"), DefaultRule{}); }
};

TEST_P(RecipesTest, LoadsWithoutAComplaint) {
  const RulesFile file = Load();
  EXPECT_THAT(file.errors, IsEmpty());
  EXPECT_THAT(file.warnings, IsEmpty());
}

TEST_P(RecipesTest, DoesWhatItsExamplesSay) {
  const RulesFile file = Load();
  ASSERT_TRUE(file.rules.has_value());
  ExpectVerdicts(*file.rules, GetParam());
}

TEST_P(RecipesTest, HasExamplesForEachOfItsRules) {
  const RulesFile file = Load();
  ASSERT_TRUE(file.rules.has_value());
  Replay replay(*file.rules);
  for (const auto& json : ExamplesOf(GetParam())) replay.VerdictOn(Message(json));
  for (const Rule& rule : file.rules->rules) {
    const auto found = replay.verdicts().find(rule.name);
    ASSERT_NE(found, replay.verdicts().end()) << rule.name;
    EXPECT_GE(found->second.count("duplicate"), 1U) << rule.name << ": no copy";
    EXPECT_GE(found->second.at("processed"), 2) << rule.name << ": no second event";
  }
}

INSTANTIATE_TEST_SUITE_P(All, RecipesTest, testing::ValuesIn(NamesIn(kRecipes)), [](const auto& recipe) {
  std::string name = recipe.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(RecipesFolderTest, EachRecipeHasExamples) { EXPECT_EQ(NamesIn(kRecipes), NamesIn(kExamples)); }

// These are for other brokers than chirpstack and wis2, with rules of the same names.
const std::set<std::string> kOtherChoices = {"chirpstack-two-servers", "wis2-caches"};

// A rule for all topics stands last, as docs/rules.md says.
TEST(RecipesFolderTest, RecipesCanBePutTogether) {
  ordered_json rules = ordered_json::array(), last = ordered_json::array();
  for (const std::string& recipe : NamesIn(kRecipes)) {
    if (kOtherChoices.contains(recipe)) continue;
    std::ifstream file(kRecipes / (recipe + ".json"));
    const auto document = ordered_json::parse(file);
    for (const auto& rule : document.at("rules")) {
      (rule.at("topics").front() == "#" ? last : rules).push_back(rule);
    }
  }
  rules.insert(rules.end(), last.begin(), last.end());
  const RulesFile file = ParseRules(ordered_json{{"rules", rules}}.dump(), DefaultRule{});
  EXPECT_THAT(file.errors, IsEmpty());
  EXPECT_THAT(file.warnings, IsEmpty());
  ASSERT_TRUE(file.rules.has_value());
  for (const std::string& recipe : NamesIn(kRecipes)) {
    if (!kOtherChoices.contains(recipe)) ExpectVerdicts(*file.rules, recipe);
  }
}

}  // namespace
}  // namespace dedup
