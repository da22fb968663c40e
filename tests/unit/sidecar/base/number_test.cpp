#include "http_sidecar/base/number.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace dedup::sidecar {
namespace {

using testing::Optional;

TEST(NumberTest, IsTheWholeText) {
  EXPECT_THAT(ParseNumber<std::uint64_t>("18446744073709551615"), Optional(UINT64_MAX));
  EXPECT_THAT(ParseNumber<std::uint32_t>("0007"), Optional(7U));
  EXPECT_THAT(ParseNumber<std::uint8_t>("fF", 16), Optional(255));
  for (const char* const text : {"", " 7", "7 ", "+7", "-7", "7.0", "0x7", "x", "18446744073709551616"}) {
    EXPECT_EQ(ParseNumber<std::uint64_t>(text), std::nullopt) << text;
  }
}

TEST(NumberTest, FitsItsType) {
  EXPECT_THAT(ParseNumber<std::uint16_t>("65535"), Optional(65535));
  EXPECT_EQ(ParseNumber<std::uint16_t>("65536"), std::nullopt);
}

}  // namespace
}  // namespace dedup::sidecar
