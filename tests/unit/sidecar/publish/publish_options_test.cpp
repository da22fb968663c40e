#include "http_sidecar/publish/publish_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace dedup::sidecar {
namespace {

using testing::StartsWith;

TEST(PublishOptionsTest, AreRead) {
  const auto options = std::get<PublishOptions>(ParsePublishOptions("/publish?qos=2&retain=true&results=full"));
  EXPECT_EQ(options.qos, 2);
  EXPECT_TRUE(options.retain);
  EXPECT_TRUE(options.full_results);
  const auto none = std::get<PublishOptions>(ParsePublishOptions("/publish"));
  EXPECT_EQ(none.qos, 1);
  EXPECT_FALSE(none.retain || none.full_results);
}

TEST(PublishOptionsTest, AProblemNamesTheParameter) {
  for (const std::string query : {"qos=3", "qos=", "qos=-1", "retain=1", "results=all"}) {
    const auto parsed = ParsePublishOptions("/publish?" + query);
    ASSERT_TRUE(std::holds_alternative<Problem>(parsed)) << query;
    EXPECT_EQ(std::get<Problem>(parsed).type.name, "invalid-parameter");
    EXPECT_THAT(std::get<Problem>(parsed).detail, StartsWith(query.substr(0, query.find('=')) + " takes "));
  }
}

}  // namespace
}  // namespace dedup::sidecar
