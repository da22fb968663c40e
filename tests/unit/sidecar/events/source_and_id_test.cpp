#include "http_sidecar/events/source_and_id.h"

#include <gtest/gtest.h>
#include <mosquitto.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/event/event_id.h"

namespace dedup::sidecar {
namespace {

TEST(SourceAndIdTest, BothStandInIt) {
  EXPECT_EQ(IdOfSourceAndId("/plant/1", "42"), "/plant/1|42");
  EXPECT_EQ(IdOfSourceAndId("urn:é", "ü ö"), "urn:é|ü ö");
  EXPECT_EQ(IdOfSourceAndId("a|b\\", "c"), R"(a\|b\\|c)");
  EXPECT_EQ(IdOfSourceAndId("a\n", std::string_view("\0\x7F\xC2\x9F", 4)), R"(a\x0a|\x00\x7f\xc2\x9f)");
  EXPECT_EQ(IdOfSourceAndId("#a", "-"), R"(\#a|\-)");
}

TEST(SourceAndIdTest, WhatIsTooLongIsHashed) {
  EXPECT_EQ(IdOfSourceAndId(std::string(200, 's'), std::string(55, 'i')).size(), kEventIdBytesMax);
  const std::string hashed = IdOfSourceAndId(std::string(200, 's'), std::string(56, 'i'));
  EXPECT_TRUE(hashed.starts_with("sha256:"));
  EXPECT_EQ(hashed.size(), 7 + 64U);
  EXPECT_NE(hashed, IdOfSourceAndId(std::string(201, 's'), std::string(55, 'i')));
  EXPECT_EQ(hashed, IdOfSourceAndId(std::string(200, 's'), std::string(56, 'i')));
}

// All pairs of texts of up to three of these pieces, those that are escaped among them.
TEST(SourceAndIdTest, NoTwoPairsHaveTheSame) {
  const std::string pieces[] = {"|",        "\\",          "#", "-", "x", "x0a", "\n", std::string("\0", 1),
                                "\xC2\x85", "\xEF\xBF\xBF"};
  std::vector<std::string> texts = {""};
  for (std::size_t begin = 0, round = 0; round < 2; ++round) {
    const std::size_t end = texts.size();
    for (; begin < end; ++begin) {
      for (const std::string& piece : pieces) texts.push_back(texts[begin] + piece);
    }
  }
  std::map<std::string, std::pair<std::string, std::string>> pairs;
  for (const std::string& source : texts) {
    for (const std::string& id : texts) {
      const auto [known, is_new] = pairs.try_emplace(IdOfSourceAndId(source, id), source, id);
      ASSERT_TRUE(is_new || known->second == std::pair(source, id)) << known->first;
    }
  }
}

TEST(SourceAndIdTest, MqttTakesItWhateverTheyHold) {
  for (const std::string_view text :
       {std::string_view("\0", 1), std::string_view("\x1F"), std::string_view("\x7F"), std::string_view("\xC2\x80"),
        std::string_view("\xC2\x9F"), std::string_view("\xC2\xA0"), std::string_view("\xEF\xB7\x90"),
        std::string_view("\xEF\xB7\xAF"), std::string_view("\xEF\xBF\xBD"), std::string_view("\xEF\xBF\xBE"),
        std::string_view("\xF0\x9F\xBF\xBF"), std::string_view("\xF4\x8F\xBF\xBE"), std::string_view("😀")}) {
    for (const auto& [source, id] : {std::pair{text, std::string_view("1")}, {"s", text}}) {
      const std::string both = IdOfSourceAndId(source, id);
      EXPECT_EQ(mosquitto_validate_utf8(both.data(), static_cast<int>(both.size())), MOSQ_ERR_SUCCESS) << both;
      EXPECT_LE(both.size(), kEventIdBytesMax);
    }
  }
}

}  // namespace
}  // namespace dedup::sidecar
