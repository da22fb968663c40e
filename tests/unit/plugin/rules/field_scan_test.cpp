#include "plugin/core/rules/field_scan.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dedup {
namespace {

using namespace std::string_literals;

// --- Messages, as protobuf's encoding has them ------------------------------------------------------

std::string Varint(std::uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) bytes.push_back(static_cast<char>(number | 0x80));
  bytes.push_back(static_cast<char>(number));
  return bytes;
}
std::string Tag(std::uint64_t field, std::uint64_t type) { return Varint(field << 3 | type); }
std::string Number(std::uint64_t field, std::uint64_t number) { return Tag(field, 0) + Varint(number); }
std::string Bytes(std::uint64_t field, const std::string& bytes) {
  return Tag(field, 2) + Varint(bytes.size()) + bytes;
}
std::string Group(std::uint64_t field, const std::string& fields) { return Tag(field, 3) + fields + Tag(field, 4); }
std::string Fixed32(std::uint64_t field, std::uint32_t number) {
  return Tag(field, 5) + std::string(reinterpret_cast<const char*>(&number), sizeof number);
}
std::string Fixed64(std::uint64_t field, std::uint64_t number) {
  return Tag(field, 1) + std::string(reinterpret_cast<const char*>(&number), sizeof number);
}

class FieldScanTest : public testing::Test {
 protected:
  using Texts = std::map<std::string, std::string>;

  // Paths are written as pointers: "/1/6".
  Texts Scan(const std::vector<std::string>& paths, const std::string& payload) {
    std::vector<JsonPointer> parsed;
    for (const std::string& path : paths) parsed.push_back(*ParseJsonPointer(path));
    const PointerTree tree(parsed);
    scan_.Reserve(tree.size());
    scan_.Run(tree, payload);
    Texts texts;
    for (const std::string& path : paths) {
      const FieldScan::Found found = scan_.At(tree.Find(*ParseJsonPointer(path)));
      texts[path] = found.kind == FieldScan::Kind::kNothing  ? "nothing"
                    : found.kind == FieldScan::Kind::kNumber ? "number " + std::string(found.text)
                                                             : "bytes " + std::string(found.text);
    }
    return texts;
  }
  std::string One(const std::string& path, const std::string& payload) { return Scan({path}, payload)[path]; }

  FieldScan scan_;
};

TEST_F(FieldScanTest, FindsFieldsOfAllTypes) {
  const std::string message = Number(1, 150) + Fixed32(2, 0xFFFFFFFF) + Fixed64(3, 0x8000000000000000) +
                              Bytes(4, "testing") + Number(16, ~std::uint64_t{0}) + Number(536870911, 0) +
                              Bytes(6, "\xFF\0x"s);
  EXPECT_EQ(Scan({"/1", "/2", "/3", "/4", "/5", "/6", "/16", "/536870911"}, message),
            (Texts{{"/1", "number 150"},
                   {"/2", "number 4294967295"},
                   {"/3", "number 9223372036854775808"},
                   {"/4", "bytes testing"},
                   {"/5", "nothing"},
                   {"/6", "bytes \xFF\0x"s},
                   {"/16", "number 18446744073709551615"},
                   {"/536870911", "number 0"}}));
}

TEST_F(FieldScanTest, GoesIntoMessagesAndGroups) {
  const std::string packet = Fixed32(1, 7) + Bytes(4, "x") + Fixed32(6, 42);
  const std::string message = Bytes(1, packet) + Bytes(2, "LongFast") + Group(3, Number(1, 9) + Group(2, Number(1, 8)));
  EXPECT_EQ(Scan({"/1/1", "/1/6", "/1/2", "/2", "/2/1", "/3", "/3/1", "/3/2/1"}, message),
            (Texts{{"/1/1", "number 7"},
                   {"/1/6", "number 42"},
                   {"/1/2", "nothing"},
                   {"/2", "bytes LongFast"},
                   {"/2/1", "nothing"},
                   {"/3", "nothing"},
                   {"/3/1", "number 9"},
                   {"/3/2/1", "number 8"}}));
}

TEST_F(FieldScanTest, TheFirstOccurrenceCounts) {
  EXPECT_EQ(One("/1", Number(1, 5) + Number(1, 6)), "number 5");
  EXPECT_EQ(One("/1/2", Bytes(1, Number(3, 1)) + Bytes(1, Number(2, 1))), "nothing");
  EXPECT_EQ(One("/1/2", Number(1, 5) + Bytes(1, Number(2, 1))), "nothing");
  EXPECT_EQ(One("/1", Bytes(1, "") + Bytes(1, "x")), "nothing");
}

TEST_F(FieldScanTest, WhatIsNoMessageHasNothing) {
  const std::string good = Number(1, 5);
  const std::vector<std::string> kBad = {"\x08"s,                                      // a tag alone
                                         "\x08\x80"s,                                  // a number cut short
                                         Tag(2, 0) + std::string(10, '\xFF'),          // one of more than 64 bits
                                         Tag(2, 0) + std::string(9, '\xFF') + "\x02",  // the same
                                         "\xF8\xFF\xFF\xFF\xFF\x01\x01"s,              // a tag of more than 32 bits
                                         "\x00\x01"s,                                  // field 0
                                         Tag(2, 5) + "abc",
                                         Tag(2, 1) + "abcdefg",
                                         Tag(2, 2) + "\x05"s + "abcd",
                                         Tag(2, 2),
                                         Tag(2, 2) + Varint(~std::uint64_t{0}),
                                         Tag(2, 6) + "\1",
                                         Tag(2, 7) + "\1",
                                         Tag(2, 3) + Number(1, 1),              // a group without its end
                                         Tag(2, 4),                             // an end without its group
                                         Tag(2, 3) + Number(1, 1) + Tag(3, 4),  // the end of another
                                         Tag(2, 3) + Tag(3, 3) + Tag(2, 4) + Tag(3, 4)};
  for (const std::string& bad : kBad) {
    EXPECT_EQ(One("/1", good + bad), "nothing") << testing::PrintToString(bad);
    EXPECT_FALSE(scan_.is_message());
    EXPECT_EQ(One("/1", good + Bytes(2, bad)), "number 5") << testing::PrintToString(bad);
    EXPECT_EQ(Scan({"/1", "/2/1"}, good + Bytes(2, good + bad)), (Texts{{"/1", "number 5"}, {"/2/1", "nothing"}}))
        << testing::PrintToString(bad);
    EXPECT_TRUE(scan_.is_message());
  }
  EXPECT_EQ(One("/1", ""), "nothing");
  EXPECT_EQ(One("/1", R"({"id":1})"), "nothing");
}

TEST_F(FieldScanTest, ANumberThatIsWrittenLongerThanItNeedsIsTheSame) {
  EXPECT_EQ(One("/1", Tag(1, 0) + "\x85\x80\x80\x00"s), "number 5");
  EXPECT_EQ(One("/1", "\x88\x00\x05"s), "number 5");
}

TEST_F(FieldScanTest, GroupsNestToTheLimitAndNoDeeper) {
  std::string message = Number(1, 5);
  for (int i = 0; i < FieldScan::kGroupDepthMax; ++i) message = Group(2, message);
  EXPECT_EQ(One("/1", Number(1, 7) + message), "number 7");
  EXPECT_EQ(One("/1", Number(1, 7) + Group(2, message)), "nothing");
  EXPECT_EQ(One("/1", Number(1, 7) + std::string(1 << 20, Tag(2, 3)[0])), "nothing");
}

TEST_F(FieldScanTest, OfOnePayloadNothingIsLeftForTheNext) {
  EXPECT_EQ(One("/1", Bytes(1, "abc")), "bytes abc");
  EXPECT_EQ(One("/1", Group(1, Number(2, 3))), "nothing");
  EXPECT_EQ(One("/1", "nonsense"), "nothing");
}

}  // namespace
}  // namespace dedup
