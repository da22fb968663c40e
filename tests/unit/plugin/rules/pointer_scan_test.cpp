#include "plugin/core/rules/pointer_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// What a payload has at some pointers: "kind text", "nothing", or "in doubt".
class PointerScanTest : public testing::Test {
 protected:
  using Texts = std::map<std::string, std::string>;

  Texts Scan(const std::vector<std::string>& pointers, std::string_view payload) {
    std::vector<JsonPointer> parsed;
    for (const std::string& pointer : pointers) parsed.push_back(*ParseJsonPointer(pointer));
    const PointerTree tree(parsed);
    scan_.Reserve(tree.size());
    scan_.Run(tree, payload);
    Texts texts;
    for (const std::string& pointer : pointers) texts[pointer] = At(tree.Find(*ParseJsonPointer(pointer)));
    return texts;
  }
  std::string One(const std::string& pointer, std::string_view payload) { return Scan({pointer}, payload)[pointer]; }

  PointerScan scan_;  // the same for all payloads, as on the hot path

 private:
  std::string At(PointerTree::Node node) const {
    constexpr const char* kKinds[] = {"object", "array", "string", "number", "true", "false", "null"};
    const PointerScan::Found found = scan_.At(node);
    if (found.state == PointerScan::State::kNothing) return "nothing";
    if (found.state == PointerScan::State::kInDoubt) return "in doubt";
    std::string text = kKinds[static_cast<std::size_t>(found.kind)];
    if (found.kind == json::Kind::kString || found.kind == json::Kind::kNumber) text += " " + std::string(found.text);
    return text;
  }
};

TEST_F(PointerScanTest, FindsMembersAndElementsAtAnyDepth) {
  const std::string_view payload =
      R"({"id":"x","n":-1.50e3,"o":{"a":{"b":true},"":null},"l":[0,{"c":"d"},[7]],"a/b":false,"~":1})";
  EXPECT_EQ(
      Scan({"/id", "/n", "/o", "/o/a", "/o/a/b", "/o/", "/l", "/l/0", "/l/1/c", "/l/2/0", "/a~1b", "/~0"}, payload),
      (Texts{{"/id", "string \"x\""},
             {"/n", "number -1.50e3"},
             {"/o", "object"},
             {"/o/a", "object"},
             {"/o/a/b", "true"},
             {"/o/", "null"},
             {"/l", "array"},
             {"/l/0", "number 0"},
             {"/l/1/c", "string \"d\""},
             {"/l/2/0", "number 7"},
             {"/a~1b", "false"},
             {"/~0", "number 1"}}));
}

TEST_F(PointerScanTest, FindsNothingBesideThem) {
  const std::string_view payload = R"({"id":"x","o":{"a":1},"l":[0]})";
  for (const char* const pointer :
       {"/i", "/idx", "/ID", "/id/x", "/o/b", "/o/a/b", "/a", "/l/1", "/l/00", "/l/-", "/l/a", "/0", "/"}) {
    EXPECT_EQ(One(pointer, payload), "nothing") << pointer;
  }
}

TEST_F(PointerScanTest, ANumberIsAnIndexInAnArrayAndANameInAnObject) {
  EXPECT_EQ(One("/1", R"(["a","b","c"])"), "string \"b\"");
  EXPECT_EQ(One("/1", R"({"0":"a","1":"b"})"), "string \"b\"");
  EXPECT_EQ(One("/01", R"({"01":"a"})"), "string \"a\"");
  EXPECT_EQ(One("/10", "[0,1,2,3,4,5,6,7,8,9,10]"), "number 10");
  EXPECT_EQ(Scan({"/0/2", "/1", "/0/0"}, "[[1,2,3],4]"),
            (Texts{{"/0/2", "number 3"}, {"/1", "number 4"}, {"/0/0", "number 1"}}));
}

TEST_F(PointerScanTest, NamesAreComparedByWhatTheyMean) {
  EXPECT_EQ(One("/event_id", R"({"\u0065vent\u005fid":"a"})"), "string \"a\"");
  EXPECT_EQ(One("/a/ä", R"({"\n":1,"a":{"\u00e4":2}})"), "number 2");
  EXPECT_EQ(One("/\\u0061", R"({"\u0061":1})"), "nothing");
}

TEST_F(PointerScanTest, WhatIsNotJsonHasNothing) {
  for (const std::string_view payload :
       {"", "x", "{\"a\":1", "{\"a\":1}x", "{\"a\":1,}", "{\"a\":NaN}", "{\"a\":1}\n\v", "\xEF\xBB\xBF{\"a\":1}",
        "\"a\"", "{\"a\":1,\"b\":\"\xFF\"}"}) {
    EXPECT_EQ(One("/a", payload), "nothing") << payload;
  }
  EXPECT_TRUE(scan_.is_object());
  EXPECT_FALSE(scan_.is_json());
  EXPECT_EQ(std::string(scan_.reason()), "invalid UTF-8 inside a string");
  EXPECT_EQ(scan_.offset(), 12U);
  EXPECT_EQ(One("/a", " {\"a\":1} "), "number 1");
  EXPECT_TRUE(scan_.is_json());
}

TEST_F(PointerScanTest, AMemberThatStandsThereTwiceIsInDoubtAndAllBelowIt) {
  EXPECT_EQ(Scan({"/a", "/b"}, R"({"a":1,"b":2,"a":1})"), (Texts{{"/a", "in doubt"}, {"/b", "number 2"}}));
  EXPECT_EQ(Scan({"/a/x", "/a/y"}, R"({"a":{"x":1},"a":{"y":2}})"),
            (Texts{{"/a/x", "in doubt"}, {"/a/y", "in doubt"}}));
  EXPECT_EQ(Scan({"/a/x", "/a/y"}, R"({"a":{"x":1,"y":2,"x":3}})"),
            (Texts{{"/a/x", "in doubt"}, {"/a/y", "number 2"}}));
  EXPECT_EQ(One("/a/x", R"({"a":5,"a":{"x":1}})"), "in doubt");
  EXPECT_EQ(One("/a/x", R"({"a":{"x":1},"\u0061":null})"), "in doubt");
  EXPECT_EQ(One("/a", R"({"a":1,"a":2,"a":3})"), "in doubt");
  // Elsewhere it does not matter.
  EXPECT_EQ(One("/a", R"({"b":1,"a":1,"b":2,"c":{"a":1,"a":2}})"), "number 1");
  EXPECT_EQ(One("/a", R"({"a":1,"a":2)"), "nothing");
}

TEST_F(PointerScanTest, OfOnePayloadNothingIsLeftForTheNext) {
  EXPECT_EQ(One("/a", R"({"a":1,"a":2})"), "in doubt");
  EXPECT_EQ(One("/a", R"({"a":1})"), "number 1");
  EXPECT_EQ(One("/a", R"({"b":1})"), "nothing");
  EXPECT_EQ(One("/a", "nonsense"), "nothing");
}

TEST_F(PointerScanTest, ManyNamesOfAnObjectAreToldApart) {
  std::vector<std::string> pointers;
  std::string payload = "{";
  Texts expected;
  for (int i = 0; i < 200; ++i) {
    const std::string name = std::string(static_cast<std::size_t>(i % 70), 'n') + std::to_string(i);
    pointers.push_back("/" + name);
    payload += (i == 0 ? "" : ",") + ("\"" + name + "\":") + std::to_string(i) + ",\"" + name + "x\":0";
    expected["/" + name] = "number " + std::to_string(i);
  }
  EXPECT_EQ(Scan(pointers, payload + "}"), expected);
}

TEST_F(PointerScanTest, DeepDocumentsEndAtTheReadersLimit) {
  std::string pointer;
  std::string open;
  std::string close;
  for (int i = 0; i < 32; ++i) {
    pointer += "/a";
    open += "{\"a\":";
    close += "}";
  }
  EXPECT_EQ(One(pointer, open + "1" + close), "number 1");
  const std::string brackets(json::kDepthMax - 32, '[');
  const std::string ends(json::kDepthMax - 32, ']');
  EXPECT_EQ(One(pointer, open + brackets + ends + close), "array");
  EXPECT_EQ(One(pointer, open + "[" + brackets + ends + "]" + close), "nothing");
  EXPECT_EQ(std::string(scan_.reason()), "nested too deeply");
}

}  // namespace
}  // namespace dedup
