#include "command/traffic/json_leaves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dedup::command {
namespace {

using testing::ElementsAre;

std::vector<std::string> LeavesOf(std::string_view document) {
  std::vector<std::string> leaves;
  WalkJson(document, [&](const JsonLeaf& leaf) {
    leaves.push_back(std::string(leaf.pointer) + " " + std::string(leaf.shape) + " " + leaf.type + " " +
                     std::string(leaf.text));
  });
  return leaves;
}

TEST(JsonLeavesTest, VisitsAllEndsWithTheirPointers) {
  EXPECT_THAT(LeavesOf(R"({"a": {"b/c": [1, {"d~e": "x"}], "f": null}, "g": true, "h": {}, "i": []})"),
              ElementsAre("/a/b~1c/0 /a/b~1c/* n 1", "/a/b~1c/1/d~0e /a/b~1c/*/d~0e s x", "/a/f /a/f l null",
                          "/g /g l true", "/h /h e {}", "/i /i e []"));
}

TEST(JsonLeavesTest, NumbersAreTheirText) {
  EXPECT_THAT(LeavesOf("[1.50, 1e9, -7, 18446744073709551615]"),
              ElementsAre("/0 /* n 1.50", "/1 /* n 1e9", "/2 /* n -7", "/3 /* n 18446744073709551615"));
}

TEST(JsonLeavesTest, SaysWhatTheDocumentIs) {
  const auto form = [](std::string_view document) { return WalkJson(document, [](const JsonLeaf&) {}); };
  EXPECT_EQ(form(" {\"a\":1}"), JsonForm::kObject);
  EXPECT_EQ(form("[]"), JsonForm::kArray);
  EXPECT_EQ(form("21.5"), JsonForm::kScalar);
  for (const char* document : {"", "  ", "on", "{\"a\":1", "{\"a\":1}x", "{\"a\":NaN}", "{\"a\":\"\xFF\"}"})
    EXPECT_EQ(form(document), JsonForm::kNone) << document;
}

}  // namespace
}  // namespace dedup::command
