#include "command/traffic/table.h"

#include <gtest/gtest.h>

#include <string>

#include "command/traffic/member_names.h"
#include "tests/unit/support/made_capture.h"

namespace dedup::command {
namespace {

// The table of a capture that is one group.
class TableTest : public testing::Test {
 protected:
  void Make() {
    const Capture& capture = made_.Done();
    const std::vector<Group> groups = GroupsOf(capture.messages());
    ASSERT_EQ(groups.size(), 1u);
    table_ = MakeTable(capture.messages(), groups[0], capture.has_clients());
  }

  const Column& At(Column::Place place, const std::string& name) const {
    for (const Column& column : table_.columns) {
      if (column.place == place && column.name == name) return column;
    }
    ADD_FAILURE() << "no column " << name;
    return table_.columns.front();
  }
  const Column& Member(const std::string& pointer) const { return At(Column::Place::kMember, pointer); }

  MadeCapture made_;
  Chance chance_{1};
  Table table_;
};

TEST_F(TableTest, HasAColumnForAllThatCanBeAPart) {
  made_.Say(1, "a/b", R"({"x":1})", "c1", {{"p", "v"}});
  made_.Say(2, "a/b", R"({"x":2})", "c2", {{"p", "v"}});
  Make();
  EXPECT_EQ(table_.columns.size(), 5u);
  EXPECT_TRUE(table_.has_clients);
  EXPECT_TRUE(At(Column::Place::kProperty, "p").is_constant);
  EXPECT_FALSE(Member("/x").is_constant);
  EXPECT_NE(Member("/x").values[0], Member("/x").values[1]);
}

TEST_F(TableTest, AMissingMemberIsAValue) {
  made_.Say(1, "a", R"({"x":1,"y":1})");
  made_.Say(2, "a", R"({"x":1})");
  Make();
  EXPECT_TRUE(Member("/y").IsThere(0));
  EXPECT_FALSE(Member("/y").IsThere(1));
  EXPECT_EQ(Member("/y").distinct_count, 2u);
}

TEST_F(TableTest, TypesAreNotMixedUp) {
  made_.Say(1, "a", R"({"x":1,"y":0})");
  made_.Say(2, "a", R"({"x":"1","y":0})");
  Make();
  EXPECT_NE(Member("/x").values[0], Member("/x").values[1]);
}

TEST_F(TableTest, MembersWithoutAColumnOfTheirOwnShareOne) {
  for (int row = 0; row < 2; ++row) {
    std::string payload = "{\"m\":0";
    for (int i = 0; i < 300; ++i) payload += ",\"m" + std::to_string(i) + "\":" + std::to_string(i == 299 ? row : 7);
    made_.Say(row, "a", payload + "}");
  }
  Make();
  EXPECT_EQ(table_.columns.size(), kColumnsMax);
  EXPECT_FALSE(At(Column::Place::kRest, "").is_constant);
}

TEST_F(TableTest, KnowsDevicesClocksCountersAndChance) {
  for (int i = 0; i < 400; ++i) {
    const int device = i % 4;
    const double t = i * 5.0;
    made_.Say(t, "site/d" + std::to_string(device),
              "{\"device\":\"dev" + std::to_string(device) +
                  "\",\"at\":" + std::to_string(1'770'000'000 + static_cast<long>(t)) +
                  ",\"ms\":" + std::to_string((1'770'000'000L + static_cast<long>(t)) * 1000 + 17) + ",\"uptime\":" +
                  std::to_string(1000 * device + static_cast<long>(t)) + ",\"seq\":" + std::to_string((i / 4) % 50) +
                  ",\"id\":\"" + chance_.Hex(12) + "\",\"rssi\":" + std::to_string(-60 - chance_.Below(20)) +
                  ",\"level\":" + std::to_string(chance_.Between(10, 90)) + "}");
  }
  Make();
  EXPECT_TRUE(Member("/device").is_persistent);
  EXPECT_TRUE(LooksLikeDevice(Member("/device")));
  EXPECT_TRUE(Member("/at").is_time);
  EXPECT_TRUE(Member("/ms").is_time);
  EXPECT_TRUE(Member("/uptime").is_time) << "each device counts from its own start";
  EXPECT_TRUE(Member("/seq").is_counter) << "and begins anew at 50";
  EXPECT_FALSE(Member("/seq").is_time);
  EXPECT_TRUE(Member("/id").is_random);
  EXPECT_FALSE(LooksLikeDevice(Member("/id")));
  EXPECT_TRUE(Member("/rssi").is_persistent);
  EXPECT_TRUE(IsOfLink(Member("/rssi")));
  EXPECT_FALSE(Member("/rssi").is_counter);
  EXPECT_TRUE(Member("/level").has_fractions);
  EXPECT_FALSE(Member("/level").is_random) << "a measurement, however long";
}

TEST_F(TableTest, TimesAreReadInManyForms) {
  for (int i = 0; i < 30; ++i) {
    const std::string minute = (i < 10 ? "0" : "") + std::to_string(i);
    made_.Say(i * 60, "a",
              "{\"iso\":\"2026-02-02T10:" + minute + ":00.000Z\",\"plain\":\"2026-02-02 10:" + minute +
                  ":00\",\"text\":\"" + std::to_string(1'770'000'000 + i * 60) + "\"}");
  }
  Make();
  for (const char* name : {"/iso", "/plain", "/text"}) EXPECT_TRUE(Member(name).is_time) << name;
}

TEST_F(TableTest, CountsDeliveriesByTheirName) {
  made_.Say(1, "a", R"({"attempt":1,"retryCount":0,"duplicate":true,"x":1})");
  made_.Say(2, "a", R"({"attempt":2,"retryCount":1,"duplicate":false,"x":1})");
  Make();
  for (const char* name : {"/attempt", "/retryCount", "/duplicate"}) EXPECT_TRUE(CountsTries(Member(name))) << name;
  EXPECT_FALSE(CountsTries(Member("/x")));
}

TEST_F(TableTest, OfTwoFormsOnlyWhatBothHaveIsCompared) {
  for (int i = 0; i < 4; ++i) {
    const std::string id = "id" + std::to_string(i);
    if (i % 2 == 0) {
      made_.Say(i, "ce",
                "{\"specversion\":\"1.0\",\"id\":\"" + id + "\",\"source\":\"/s\",\"type\":\"t\",\"data\":{\"x\":1}}");
    } else {
      made_.Say(i, "ce", R"({"x":1})", {}, {{"specversion", "1.0"}, {"id", id}, {"source", "/s"}, {"type", "t"}});
    }
  }
  Make();
  EXPECT_EQ(At(Column::Place::kEither, "id").distinct_count, 4u);
  for (const Column& column : table_.columns) EXPECT_NE(column.name, "/data/x");
}

}  // namespace
}  // namespace dedup::command
