#include "command/report/words.h"

#include <gtest/gtest.h>

namespace dedup::command {
namespace {

TEST(ShownTest, WhatFitsIsShownWhole) {
  EXPECT_EQ(Shown("reading 21.5 °C", 120), "reading 21.5 °C");
  EXPECT_EQ(Shown("\xFF", 120), "\xFF");
}

TEST(ShownTest, NoCharacterIsCutInTwo) {
  EXPECT_EQ(Shown("ключ-датчик", 7), "клю …");
  EXPECT_EQ(Shown("ключ-датчик", 10), "ключ- …");
  EXPECT_EQ(Shown("传感器一号", 7), "传感 …");
  EXPECT_EQ(Shown("\xFF\xFE\xFF\xFE\xFF\xFE", 5), "\xFF\xFE\xFF\xFE\xFF …");
}

TEST(ShownTest, NothingReachesTheTerminalAsACommand) {
  EXPECT_EQ(Shown("a\x1B[2Jb\x7F", 120), "a.[2Jb.");
  EXPECT_EQ(Shown("a\xC2\x9B" "2J", 120), "a.2J");
  EXPECT_EQ(Shown("a\xC2\xA0" "b", 120), "a\xC2\xA0" "b");
}

}  // namespace
}  // namespace dedup::command
