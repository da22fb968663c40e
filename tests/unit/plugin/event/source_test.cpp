#include "plugin/core/event/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace dedup {
namespace {

using namespace std::string_literals;
using testing::Optional;

std::optional<std::string> SourceOf(std::string_view payload) {
  SourceBuffer buffer;
  const auto source = FindSource(payload, buffer);
  return source ? std::optional<std::string>(*source) : std::nullopt;
}
std::string WithSource(const std::string& source) { return R"({"event_id":"a","source":")" + source + R"("})"; }

TEST(Source, IsTheStringSoCalled) {
  EXPECT_THAT(SourceOf(R"({"source":"gateway 1"})"), Optional("gateway 1"s));
  EXPECT_THAT(SourceOf(R"( {"a":{"source":"inner"} , "source" : "" } )"), Optional(""s));
  EXPECT_THAT(SourceOf(R"({"so\u0075rce":"\u00e4\u0000\n"})"), Optional("ä\0\n"s));
}

TEST(Source, TheFirstCounts) {
  EXPECT_THAT(SourceOf(R"({"source":"a","source":"b"})"), Optional("a"s));
  EXPECT_EQ(SourceOf(R"({"source":1,"source":"b"})"), std::nullopt);
}

TEST(Source, IsNoneInWhatIsNoStringOrNoObject) {
  for (const char* const payload :
       {"", "{}", "source", "[\"source\"]", "\"source\"", R"([{"source":"a"}])", R"({"source":null})",
        R"({"source":17})", R"({"source":{"a":"b"}})", R"({"a":{"source":"inner"}})", R"({"source":"a")",
        R"({"source":"a"} x)", R"({"source":"a","b":})", "{\"source\":\"\xFF\"}"}) {
    EXPECT_EQ(SourceOf(payload), std::nullopt) << payload;
  }
}

TEST(Source, HasALimit) {
  EXPECT_THAT(SourceOf(WithSource(std::string(kSourceBytesMax, 'a'))), Optional(std::string(kSourceBytesMax, 'a')));
  EXPECT_EQ(SourceOf(WithSource(std::string(kSourceBytesMax + 1, 'a'))), std::nullopt);
  EXPECT_THAT(SourceOf(WithSource("\\u0061" + std::string(kSourceBytesMax - 1, 'a'))),
              Optional(std::string(kSourceBytesMax, 'a')));
  EXPECT_EQ(SourceOf(WithSource("\\u0061" + std::string(kSourceBytesMax, 'a'))), std::nullopt);
}

}  // namespace
}  // namespace dedup
