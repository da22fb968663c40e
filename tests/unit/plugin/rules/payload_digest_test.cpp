#include "plugin/core/rules/payload_digest.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {
namespace {

using Lanes = std::array<std::uint64_t, 4>;
using Status = PayloadDigest::Status;

class PayloadDigestTest : public testing::Test {
 protected:
  void Ignore(const std::vector<std::string>& pointers) {
    std::vector<JsonPointer> parsed;
    for (const std::string& pointer : pointers) parsed.push_back(*ParseJsonPointer(pointer));
    ignored_ = PointerTree(parsed);
  }
  Status StatusOf(std::string_view payload) { return digest_.Make(payload, ignored_, seed_); }
  Lanes Of(std::string_view payload) {
    EXPECT_EQ(StatusOf(payload), Status::kMade) << payload;
    Lanes lanes;
    std::copy(std::begin(digest_.digest().lanes), std::end(digest_.digest().lanes), lanes.begin());
    return lanes;
  }
  void Same(std::string_view a, std::string_view b) { EXPECT_EQ(Of(a), Of(b)) << a << " and " << b; }
  void Differ(const std::vector<std::string>& payloads) {
    std::map<Lanes, std::string> seen;
    for (const std::string& payload : payloads) {
      const auto [at, is_new] = seen.emplace(Of(payload), payload);
      EXPECT_TRUE(is_new) << payload << " and " << at->second;
    }
  }

 private:
  PointerTree ignored_;
  SipHash128 seed_{HashSecret{1, 2, 3}};
  PayloadDigest digest_;
};

TEST_F(PayloadDigestTest, DoesNotDependOnBlanksOrTheOrderOfMembers) {
  Same(R"({"a":1,"b":[true,{"c":"x","d":null}],"e":{}})",
       " {\n\"e\" : { } ,\t\"b\":[ true , {\"d\":null, \"c\":\"x\"} ],\"a\":1 }\r\n");
  Same("[]", " [ ] ");
  Same(" 7 ", "7");
}

TEST_F(PayloadDigestTest, TextsCountByTheirCharactersNumbersByTheirText) {
  Same(R"({"\u0061":"\u00e4\/\ud83d\ude00"})", R"({"a":"ä/😀"})");
  Same(R"({"a long name of a member":"a value that is long, too"})",
       R"({"\u0061 long name of a member":"a value that is lon\u0067, too"})");
  Same(R"(["1234567","12345678"])", R"(["\u00312\u003345\u00367","\u003123456\u00378"])");
  Differ({R"({"a":1})", R"({"a":1.0})", R"({"a":1e0})", R"({"a":-1})", R"({"a":10})", R"({"a":"1"})"});
}

TEST_F(PayloadDigestTest, ValuesThatDifferHaveOthers) {
  Differ({"{}",
          "[]",
          "0",
          "\"\"",
          "null",
          "true",
          "false",
          "\"true\"",
          "[null]",
          "[[]]",
          "[{}]",
          "{\"a\":{}}",
          "{\"a\":[]}",
          "{\"a\":null}",
          "{\"\":null}",
          "{\"a\":\"\"}",
          "[0]",
          "{\"0\":0}",
          "[0,0]",
          "[0,null]",
          "[[0],0]",
          "[0,[0]]",
          "[[0,0]]",
          "[1,2]",
          "[2,1]",
          R"({"a":1,"b":2})",
          R"({"a":2,"b":1})",
          R"({"a":{"b":1}})",
          R"({"a":{"b":1,"c":2}})",
          R"({"a":{"b":1},"c":2})",
          R"({"b":{"a":1}})",
          R"({"ab":1})",
          R"({"a":{"b":{}}})",
          "\"1234567\"",
          "\"12345678\"",
          "\"123456789\"",
          "\"1234567\\u0000\"",
          "\"12345678\\u0000\"",
          "1234567",
          "12345678",
          R"({"1234567":0})",
          R"({"12345678":0})",
          R"({"a":"b"})",
          R"({"a":0,"b":0})"});
}

TEST_F(PayloadDigestTest, WhatIsIgnoredIsAsIfItHadNeverBeenThere) {
  Ignore({"/rssi", "/meta/seen", "/list/1"});
  Same(R"({"id":1,"rssi":-50})", R"({"rssi":{"a":[1,{"b":2}]},"id":1})");
  Same(R"({"id":1,"rssi":-50})", R"({"id":1})");
  Same(R"({"id":1,"\u0072ssi":[]})", R"({"id":1})");
  Same(R"({"meta":{"seen":1,"by":2}})", R"({"meta":{"by":2}})");
  Same(R"({"meta":{"seen":1}})", R"({"meta":{}})");
  Same(R"({"list":[1,2,3]})", R"({"list":[1,9,3]})");
  Same(R"({"list":[1,2]})", R"({"list":[1]})");
  Same(R"({"rssi":1})", "{}");
  Same("[5]", "[5]");
  Differ({R"({"id":1})", R"({"id":1,"meta":{}})", R"({"id":1,"meta":5})", R"({"id":1,"meta":{"rssi":1}})",
          R"({"id":1,"rss":1})", R"({"list":[1,2,3]})", R"({"list":[1,2,4]})", R"({"list":[1]})", R"({"list":[]})",
          R"({"list":{"1":0,"0":1}})", R"({"list":{}})"});
}

TEST_F(PayloadDigestTest, ThereIsNoneForWhatIsNotJson) {
  for (const std::string_view payload : {"", " ", "x", "{", "[1", "{\"a\":1}x", "{\"a\":NaN}", "{\"a\":1,\"a\":2", "\"",
                                         "01", "\xEF\xBB\xBF{}", "[\"\xFF\"]", "{\"a\":{\"b\":1}"}) {
    EXPECT_EQ(StatusOf(payload), Status::kNotJson) << payload;
  }
}

TEST_F(PayloadDigestTest, AMemberThatStandsThereTwiceLeavesItInDoubt) {
  for (const std::string_view payload :
       {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})", R"({"x":[{"a":1,"a":2}]})", R"({"a":1,"\u0061":2})",
        R"({"a":{},"b":{"c":{"a":1}},"a":{}})", R"({"\u0061":1,"\u0061":2})", R"({"":1,"":2})"}) {
    EXPECT_EQ(StatusOf(payload), Status::kInDoubt) << payload;
  }
  Of(R"({"a":{"a":{"a":1},"b":1},"b":[{"a":1},{"a":1}]})");
  Of(R"({"\n":1,"a":2,"b":3})");
  Ignore({"/a"});
  Same(R"({"a":1,"a":2,"b":1})", R"({"b":1})");
  EXPECT_EQ(StatusOf(R"({"b":{"a":1,"a":2}})"), Status::kInDoubt);
}

std::string Object(std::size_t members) {
  std::string text = "{";
  for (std::size_t i = 0; i < members; ++i) text += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":0";
  return text + "}";
}

TEST_F(PayloadDigestTest, HasRoomForTheNamesOfOpenObjectsUpToItsLimit) {
  const std::string full = Object(PayloadDigest::kNamesMax);
  Of(full);
  EXPECT_EQ(StatusOf(Object(PayloadDigest::kNamesMax + 1)), Status::kInDoubt);
  Of(full);
  // An object that has been left does not count.
  const std::string half = Object(PayloadDigest::kNamesMax / 2);
  Of("[" + half + "," + half + "," + half + "]");
  EXPECT_EQ(StatusOf("{\"a\":" + full + "}"), Status::kInDoubt);
  // Repeated names are seen among many, and after the table has grown.
  std::string repeated = half;
  repeated.insert(repeated.size() - 1, ",\"m7\":0");
  EXPECT_EQ(StatusOf(repeated), Status::kInDoubt);
  Differ({half, full, Object(3)});
}

TEST_F(PayloadDigestTest, NestsToTheReadersLimit) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  Differ({nested(json::kDepthMax), nested(json::kDepthMax - 1)});
  EXPECT_EQ(StatusOf(nested(json::kDepthMax + 1)), Status::kNotJson);
  std::string objects;
  for (int i = 0; i < json::kDepthMax; ++i) objects += "{\"a\":";
  Of(objects + "1" + std::string(json::kDepthMax, '}'));
}

TEST_F(PayloadDigestTest, AnotherSecretMakesOthers) {
  PayloadDigest digest;
  const PointerTree nothing;
  ASSERT_EQ(digest.Make("{\"a\":1}", nothing, SipHash128(HashSecret{1})), Status::kMade);
  const std::uint64_t lane = digest.digest().lanes[0];
  ASSERT_EQ(digest.Make("{\"a\":1}", nothing, SipHash128(HashSecret{2})), Status::kMade);
  EXPECT_NE(digest.digest().lanes[0], lane);
}

}  // namespace
}  // namespace dedup
