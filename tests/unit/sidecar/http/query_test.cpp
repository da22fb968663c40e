#include "http_sidecar/http/query.h"

#include <gtest/gtest.h>

namespace dedup::sidecar {
namespace {

TEST(QueryTest, TheFirstParameterOfThatNameDecoded) {
  EXPECT_EQ(QueryValue("/events?topic=a/b", "topic"), "a/b");
  EXPECT_EQ(QueryValue("/events?x=1&topic=a%2Fb%20c+d&topic=e", "topic"), "a/b c d");
  EXPECT_EQ(QueryValue("/events?topic=a=b", "topic"), "a=b");
  EXPECT_EQ(QueryValue("/events?to%70ic=%C3%A9%26%3d%25", "topic"), "é&=%");
  EXPECT_EQ(QueryValue("/events?topic=a?b", "topic"), "a?b");
  EXPECT_EQ(QueryValue("/events?topic=%00x", "topic"), std::string("\0x", 2));
}

TEST(QueryTest, NothingWhereThereIsNone) {
  for (const char* target :
       {"/events", "/events?", "/events?topic", "/events?topic=", "/events?topics=a", "/events?&&=&=topic", "", "?"}) {
    EXPECT_EQ(QueryValue(target, "topic"), "") << target;
  }
}

TEST(QueryTest, RawIsAsItStands) {
  EXPECT_EQ(RawQueryValue("/events?a=%20+&b", "a"), "%20+");
  EXPECT_EQ(RawQueryValue("/events?a=%20+&b", "b"), "");
  EXPECT_EQ(RawQueryValue("/events?a=%20+&b", "c"), std::nullopt);
}

TEST(QueryTest, NamesAreKnownAndStandThereOnce) {
  const auto flaw = [](const char* target, const char* known) {
    const auto problem = CheckNames(target, known);
    return problem ? problem->detail : "";
  };
  for (const char* const target : {"/x", "/x?", "/x?a=1&b=2", "/x?&&b&", "/x?%61=1"})
    EXPECT_EQ(flaw(target, "a b"), "");
  EXPECT_EQ(flaw("/x?", ""), "");
  EXPECT_EQ(flaw("/x?a=1", ""), "there is no parameter \"a\" here; expected none");
  EXPECT_EQ(flaw("/x?a=1&A=1", "a bc d"), "there is no parameter \"A\" here; expected a, bc, d");
  EXPECT_EQ(flaw("/x?b=1", "a bc d"), "there is no parameter \"b\" here; expected a, bc, d");
  EXPECT_EQ(flaw("/x?bc+d=1", "a bc d"), "there is no parameter \"bc d\" here; expected a, bc, d");
  EXPECT_EQ(flaw("/x?=1", "a"), "there is no parameter \"\" here; expected a");
  EXPECT_EQ(flaw("/x?a=1&b&%61=1", "a b"), "a stands there more than once; expected once");
}

TEST(QueryTest, WithoutAParameter) {
  EXPECT_EQ(QueryOf("/events?a=1?&b"), "a=1?&b");
  EXPECT_EQ(QueryOf("/events"), "");
  EXPECT_EQ(QueryWithout("a=1&b=%20&%61=2&&c", "a"), "b=%20&c");
  EXPECT_EQ(QueryWithout("a", "a"), "");
}

}  // namespace
}  // namespace dedup::sidecar
