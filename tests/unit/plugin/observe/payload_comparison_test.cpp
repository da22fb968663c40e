#include "plugin/core/observe/payload_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dedup {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class PayloadComparisonTest : public testing::Test {
 protected:
  const std::vector<std::string>& Json(const std::string& first, const std::string& copy) {
    return comparison_.Compare(first, copy, false);
  }
  const std::vector<std::string>& Protobuf(const std::string& first, const std::string& copy) {
    return comparison_.Compare(first, copy, true);
  }
  PayloadComparison comparison_;
};

TEST_F(PayloadComparisonTest, NamesTheMembersThatDiffer) {
  EXPECT_THAT(Json(R"({"id":1,"rssi":-70,"t":{"at":5,"x":true}})", R"({"id":1,"rssi":-71,"t":{"at":6,"x":true}})"),
              ElementsAre("/rssi", "/t/at"));
}

TEST_F(PayloadComparisonTest, AMemberThatOnlyOneHasDiffers) {
  EXPECT_THAT(Json(R"({"a":1})", R"({"a":1,"b":{"c":1,"d":2}})"), ElementsAre("/b/c", "/b/d"));
  EXPECT_THAT(Json(R"({"a":1,"b":{}})", R"({"a":1,"b":[]})"), ElementsAre("/b"));
}

TEST_F(PayloadComparisonTest, ElementsGoByTheirPlace) {
  EXPECT_THAT(Json(R"([{"rssi":1},{"rssi":2}])", R"([{"rssi":1},{"rssi":3},4])"), ElementsAre("/1/rssi", "/2"));
}

TEST_F(PayloadComparisonTest, APlaceIsNamedOnce) {
  EXPECT_THAT(Json(R"({"a":1,"a":2})", R"({"a":3,"a":4})"), ElementsAre("/a"));
}

TEST_F(PayloadComparisonTest, NamesAreEscapedAsAPointerWantsIt) {
  EXPECT_THAT(Json(R"({"a/b":1,"c~d":1,"\u0041\/":1})", R"({"a/b":2,"c~d":2,"A/":2})"),
              ElementsAre("/A~1", "/a~1b", "/c~0d"));
}

TEST_F(PayloadComparisonTest, OrderBlanksAndEscapesAreNoDifference) {
  EXPECT_THAT(Json(R"({"a":"\u0041","b":2})", R"({ "b": 2, "a": "A" })"), ElementsAre("order or blanks"));
}

TEST_F(PayloadComparisonTest, WhatIsNoObjectOrArrayDiffersAsAWhole) {
  EXPECT_THAT(Json("21.5", "21.6"), ElementsAre("payload"));
  EXPECT_THAT(Json(R"({"a":1})", R"({"a":)"), ElementsAre("payload"));
  EXPECT_THAT(Json("", R"({"a":1})"), ElementsAre("payload"));
  EXPECT_THAT(Json("{}", "[]"), ElementsAre("payload"));
}

TEST_F(PayloadComparisonTest, WorkIsBounded) {
  const std::string large = "[" + std::string(PayloadComparison::kPayloadBytesMax, ' ') + "1]";
  EXPECT_THAT(Json(large, "[1,2]"), ElementsAre("payload"));
  std::string many = "[1";
  for (int i = 0; i < 600; ++i) many += ",1";
  EXPECT_THAT(Json(many + "]", "[1]"), ElementsAre("payload"));
  std::string some = "[1";
  for (int i = 0; i < 100; ++i) some += ",1";
  EXPECT_THAT(Json(some + "]", "[1]"), SizeIs(PayloadComparison::kPlacesMax));
  EXPECT_THAT(Json(std::string(100, '[') + "1" + std::string(100, ']'), "[1]"), ElementsAre("payload"));
  std::string deep;
  for (int i = 0; i < 30; ++i) deep += R"({"a":{}, "long name of a member, repeated":)";
  EXPECT_THAT(Json(deep + "1" + std::string(30, '}'), "[1]"), testing::Not(testing::IsEmpty()));
}

TEST_F(PayloadComparisonTest, NamesFieldsOfProtobuf) {
  // 1: {3: 7, 6: 42}, 2: "hop"
  const std::string first = std::string("\x0A\x04\x18\x07\x30\x2A", 6) + std::string("\x12\x03hop", 5);
  std::string copy = first;
  copy[3] = 8;
  EXPECT_THAT(Protobuf(first, copy), ElementsAre("pb:1.3"));
  copy = first;
  copy[8] = 'H';
  EXPECT_THAT(Protobuf(first, copy), ElementsAre("pb:2"));
  EXPECT_THAT(Protobuf(first, first.substr(0, 6)), ElementsAre("pb:2"));
}

TEST_F(PayloadComparisonTest, RepeatedFieldsGoByTheirPlace) {
  EXPECT_THAT(Protobuf("\x08\x01\x08\x02", "\x08\x01\x08\x03"), ElementsAre("pb:1"));
  EXPECT_THAT(Protobuf("\x08\x01\x10\x02", "\x10\x02\x08\x01"), ElementsAre("order or blanks"));
}

TEST_F(PayloadComparisonTest, WhatIsNoProtobufDiffersAsAWhole) {
  for (const std::string& broken :
       {std::string("\x08"), std::string("\x0A\x05x"), std::string("\x0B"), std::string("\x00\x01", 2),
        std::string("\x09x"), std::string(12, '\xFF'), std::string("\x0D\x01")}) {
    EXPECT_THAT(Protobuf("\x08\x01", broken), ElementsAre("payload"));
  }
  std::string nested = "\x08\x01";
  for (int i = 0; i < 12; ++i) nested = std::string("\x0A") + static_cast<char>(nested.size()) + nested;
  std::string other = nested;
  other.back() = 2;
  EXPECT_THAT(Protobuf(nested, other), ElementsAre("pb:1.1.1.1.1.1.1.1.1"));
}

}  // namespace
}  // namespace dedup
