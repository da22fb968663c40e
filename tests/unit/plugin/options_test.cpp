#include "plugin/core/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/base/errors.h"

namespace dedup {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

Options Parse(const Pairs& pairs) { return ParseOptions(pairs); }

std::string ErrorOf(const Pairs& pairs) {
  try {
    ParseOptions(pairs);
  } catch (const OptionError& error) {
    return error.what();
  }
  return "";
}

TEST(OptionsTest, EachHasADefault) {
  const Options options = Parse({});
  EXPECT_EQ(options.data_dir, "/var/lib/mosquitto/dedup");
  EXPECT_THAT(options.topics, ElementsAre("#"));
  EXPECT_EQ(options.id_member, "event_id");
  EXPECT_EQ(options.id_property, "event_id");
  EXPECT_EQ(options.journal_bytes, 128U << 20);
  EXPECT_EQ(options.fsync_interval, 100ms);
  EXPECT_EQ(options.recovery_delay, 10s);
  EXPECT_EQ(options.sys_interval, 10s);
  EXPECT_FALSE(options.window);
  EXPECT_FALSE(options.retention);
  EXPECT_EQ(options.on_store_failure, OnStoreFailure::kRefuse);
}

TEST(OptionsTest, TextsAreTakenAsTheyStandWithoutTheSpacesAround) {
  const Options options = Parse({{"data_dir", " /tmp/a b "}, {"id_member", "id"}, {"id_property", "\tmessage-id "}});
  EXPECT_EQ(options.data_dir, "/tmp/a b");
  EXPECT_EQ(options.id_member, "id");
  EXPECT_EQ(options.id_property, "message-id");
}

TEST(OptionsTest, TopicsAreSeparatedBySpacesOrCommas) {
  EXPECT_THAT(Parse({{"topics", "a"}}).topics, ElementsAre("a"));
  EXPECT_THAT(Parse({{"topics", " a/# ,b/+/c\td,,e "}}).topics, ElementsAre("a/#", "b/+/c", "d", "e"));
}

TEST(OptionsTest, DurationsHaveAUnit) {
  const std::pair<std::string_view, std::chrono::milliseconds> kTable[] = {
      {"0", 0ms}, {"250ms", 250ms}, {"5s", 5s}, {"7d", 7 * 24h}, {"36500d", 36'500 * 24h}};
  for (const auto& [text, duration] : kTable) {
    EXPECT_EQ(Parse({{"fsync_interval", text}}).fsync_interval, duration) << text;
    EXPECT_EQ(Parse({{"recovery_delay", text}}).recovery_delay, duration) << text;
    EXPECT_EQ(Parse({{"sys_interval", text}}).sys_interval, duration) << text;
    if (duration > 0ms) {
      EXPECT_EQ(Parse({{"window", text}}).window, duration) << text;
    }
  }
}

TEST(OptionsTest, SizesHaveAUnit) {
  EXPECT_EQ(Parse({{"journal_size", "64K"}}).journal_bytes, 64U << 10);
  EXPECT_EQ(Parse({{"journal_size", "64M"}}).journal_bytes, 64U << 20);
  EXPECT_EQ(Parse({{"journal_size", "64G"}}).journal_bytes, std::uint64_t{64} << 30);
}

TEST(OptionsTest, RetentionIsAsLongAsTheWindowWhereItIsNotGiven) {
  EXPECT_EQ(Parse({{"window", "15m"}}).retention, 15min);
  EXPECT_FALSE(Parse({{"window", "forever"}}).retention);
  EXPECT_FALSE(Parse({{"window", "15m"}, {"retention", "forever"}}).retention);
  EXPECT_EQ(Parse({{"retention", "7d"}, {"window", "15m"}}).retention, 7 * 24h);
  EXPECT_EQ(Parse({{"window", "1h"}, {"retention", "60m"}}).retention, 1h);
}

TEST(OptionsTest, RetentionMustNotBeShorterThanTheWindow) {
  for (const Pairs& pairs :
       {Pairs{{"window", "15m"}, {"retention", "14m"}}, Pairs{{"retention", "14m"}, {"window", "15m"}},
        Pairs{{"retention", "7d"}}, Pairs{{"window", "forever"}, {"retention", "7d"}}}) {
    EXPECT_THAT(ErrorOf(pairs), AllOf(HasSubstr("plugin_opt_retention"), HasSubstr("plugin_opt_window")));
  }
}

TEST(OptionsTest, StoreFailureIsRefuseOrPass) {
  EXPECT_EQ(Parse({{"on_store_failure", "pass"}}).on_store_failure, OnStoreFailure::kPass);
  EXPECT_EQ(Parse({{"on_store_failure", " refuse "}}).on_store_failure, OnStoreFailure::kRefuse);
}

TEST(OptionsTest, AMalformedValueIsToldWithTheOptionsNameAndWhatItTakes) {
  const std::string long_name(257, 'x');
  const struct {
    std::string_view takes;
    std::vector<std::string_view> names, values;
  } kTable[] = {
      {"a directory", {"data_dir"}, {"", " \t"}},
      {"MQTT topic filters", {"topics"}, {"", " , ", "a/#/b", "a b+ c", "a#"}},
      {"the name of one member at the top level, 1 to 256 bytes", {"id_member"}, {"", " ", long_name}},
      {"the name of one member", {"id_member"}, {"data.id", "/data/id", "$.id", "id,uuid", "id uuid", "ids[0]"}},
      {"the name of an MQTT v5 user property, 1 to 256 bytes", {"id_property"}, {"", " ", long_name}},
      {"a size from 64K to 64G", {"journal_size"}, {"", "0", "63K", "65G", "64", "64k", "-64M", "17179869184G"}},
      {"0 or a duration such as",
       {"fsync_interval", "recovery_delay", "sys_interval"},
       {"", " ", "5", "-1s", "5 s", "forever", "36501d"}},
      {"a duration above zero", {"window", "retention"}, {"", "0", "0s", "5", "-1s", "Forever", "ever", "36501d"}},
      {"refuse or pass", {"on_store_failure"}, {"", "Pass", "drop", "refuse pass"}},
  };
  for (const auto& [takes, names, values] : kTable) {
    for (const std::string_view name : names) {
      for (const std::string_view value : values) {
        std::string told = "plugin_opt_" + std::string(name) + " '" + std::string(value) + "': it takes ";
        EXPECT_THAT(ErrorOf({{name, value}}), HasSubstr(told.append(takes)));
      }
    }
  }
}

TEST(OptionsTest, AnIdThatIsNoMemberOfTheTopLevelTakesARulesFile) {
  for (const std::string_view path : {"data.id", "/data/id"}) {
    EXPECT_THAT(ErrorOf({{"id_member", path}}), AllOf(HasSubstr("plugin_opt_rules_file"), HasSubstr("JSON Pointer")));
  }
}

TEST(OptionsTest, AnOptionIsGivenOnce) {
  EXPECT_THAT(ErrorOf({{"topics", "a"}, {"window", "1h"}, {"topics", "b"}}),
              AllOf(HasSubstr("plugin_opt_topics is given twice"), HasSubstr("b")));
  EXPECT_THAT(ErrorOf({{"data_dir", "/a"}, {"data_dir", "/a"}}), HasSubstr("plugin_opt_data_dir is given twice"));
}

TEST(OptionsTest, QuotesAreNoPartOfAValue) {
  for (const std::string_view name : {"data_dir", "topics", "id_member", "id_property", "window", "on_store_failure"}) {
    for (const std::string_view value : {"\"x\"", "'x'", " \"x\" ", "\"x", "x'", "\"a\" \"b\"", "\"\"", "\""}) {
      EXPECT_THAT(ErrorOf({{name, value}}),
                  AllOf(HasSubstr("plugin_opt_" + std::string(name) + " " + std::string(value)),
                        HasSubstr("write it without quotes")));
    }
  }
  EXPECT_EQ(ParseOptions({{"data_dir", "/o'clock/x"}}).data_dir, "/o'clock/x");
}

TEST(OptionsTest, AnUnknownOptionIsToldWithTheNamesOfAll) {
  for (const std::string_view name : {"", "windows", "Window", "data-dir"}) {
    EXPECT_THAT(ErrorOf({{name, "1"}}),
                AllOf(HasSubstr("unknown option plugin_opt_" + std::string(name)),
                      HasSubstr("data_dir, topics, id_member, id_property, rules_file, journal_size, fsync_interval, "
                                "recovery_delay, window, retention, sys_interval, on_store_failure")));
  }
}

}  // namespace
}  // namespace dedup
