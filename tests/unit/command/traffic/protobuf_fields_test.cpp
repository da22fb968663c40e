#include "command/traffic/protobuf_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dedup::command {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// 1: 150; 2: "hi"; 3: {1: 5}; 4: fixed32 7; 5: fixed64 8; 1: 9
const std::string kMessage("\x08\x96\x01\x12\x02hi\x1A\x02\x08\x05\x25\x07\0\0\0\x29\x08\0\0\0\0\0\0\0\x08\x09", 27);

std::vector<std::string> FieldsOf(std::string_view bytes, bool* has_others = nullptr) {
  std::vector<std::string> fields;
  const bool others = WalkProtobuf(
      bytes, [](std::string_view path) { return path == "3"; },
      [&](const ProtobufField& field) {
        fields.push_back(std::string(field.path) + "=" +
                         (field.is_number ? std::to_string(field.number) : std::string(field.bytes)));
      });
  if (has_others != nullptr) *has_others = others;
  return fields;
}

TEST(ProtobufFieldsTest, ReadsTheFirstOfEachField) {
  bool has_others = false;
  EXPECT_THAT(FieldsOf(kMessage, &has_others), ElementsAre("1=150", "2=hi", "3.1=5", "4=7", "5=8"));
  EXPECT_TRUE(has_others);
  FieldsOf(kMessage.substr(0, 25), &has_others);
  EXPECT_FALSE(has_others);
}

TEST(ProtobufFieldsTest, WhatIsNotWholeIsNone) {
  EXPECT_TRUE(IsProtobuf(kMessage));
  EXPECT_FALSE(IsProtobuf(""));
  for (const std::size_t size : {1u, 2u, 4u, 5u, 6u, 12u, 15u, 17u, 24u, 26u}) {
    EXPECT_FALSE(IsProtobuf(kMessage.substr(0, size))) << size;
    EXPECT_THAT(FieldsOf(kMessage.substr(0, size)), IsEmpty()) << size;
  }
  EXPECT_FALSE(IsProtobuf(std::string("\x00\x01", 2))) << "field 0";
  EXPECT_FALSE(IsProtobuf("\x0B\x0C")) << "a group";
  EXPECT_FALSE(IsProtobuf("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01")) << "a varint without an end";
}

}  // namespace
}  // namespace dedup::command
