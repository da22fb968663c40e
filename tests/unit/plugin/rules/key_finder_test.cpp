#include "plugin/core/rules/key_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/rules/rules_file.h"

namespace dedup {

void PrintTo(FindStatus status, std::ostream* out) {
  *out << (status == FindStatus::kKey ? "key" : status == FindStatus::kNone ? "none" : "invalid");
}
void PrintTo(const KeyHash& hash, std::ostream* out) { *out << std::hex << hash.high << hash.low; }

namespace {

using testing::IsEmpty;

constexpr HashSecret kSecret = {9, 8, 7};

struct Message {
  std::string topic = "a/b";
  std::string payload = {};
  std::string client = "c1";
  std::string username = {};
  std::vector<std::pair<std::string, std::string>> properties = {};
};

class KeyFinderTest : public testing::Test {
 protected:
  void Load(const std::string& rules, bool has_default = true, const DefaultRule& default_rule = {}) {
    RulesFile file =
        ParseRules("{\"rules\":[" + rules + "],\"default\":" + (has_default ? "true" : "false") + "}", default_rule);
    ASSERT_THAT(file.errors, IsEmpty());
    finder_ = std::make_unique<KeyFinder>(std::move(*file.rules), kSecret);
  }
  // One rule for all topics, without the default rule.
  void LoadKey(const std::string& key, const std::string& more = "") {
    Load(R"({"name":"r","topics":["a/#","b/#","x"],"window":"1m","key":[)" + key + "]" + more + "}", false);
  }

  // The message stays as long as what was found in it is asked for.
  Finding Find(Message message) {
    message_ = std::move(message);
    properties_.clear();
    for (const auto& [name, value] : message_.properties) properties_.push_back({name, value});
    return finder_->Find({message_.topic, message_.payload, message_.client, message_.username, properties_});
  }
  std::optional<KeyHash> KeyOf(Message message) {
    const Finding finding = Find(std::move(message));
    return finding.status == FindStatus::kKey ? std::optional(finding.key.hash) : std::nullopt;
  }
  std::optional<KeyHash> KeyOfPayload(const std::string& payload) { return KeyOf({.payload = payload}); }
  // "rule: text", or "none".
  std::string TextOf(Message message) {
    const Finding finding = Find(std::move(message));
    if (finding.status != FindStatus::kKey) return finding.status == FindStatus::kNone ? "none" : "invalid";
    return std::string(finder_->rules().NameOf(finding.key.rule)) + ": " + std::string(finder_->KeyTextOf(finding));
  }
  std::string TextOfPayload(const std::string& payload) { return TextOf({.payload = payload}); }

  std::unique_ptr<KeyFinder> finder_;

 private:
  Message message_;
  std::vector<UserProperty> properties_;
};

// --- Without a rule for the topic ----------------------------------------------------------------------

TEST_F(KeyFinderTest, TheDefaultRulesKeyIsThatOfTopicAndId) {
  for (const char* const rules : {"", R"({"name":"r","topics":["x/#"],"key":["/id"]})",
                                  R"({"name":"r","topics":["#"],"key":["/id","/nowhere"]})"}) {
    Load(rules);
    EXPECT_EQ(KeyOfPayload(R"({"event_id":"e1","id":1})"), HashKey(kSecret, "a/b", "e1"));
    EXPECT_EQ(KeyOfPayload(R"({"event_id":12})"), HashKey(kSecret, "a/b", "12"));
    EXPECT_EQ(KeyOfPayload(R"({"event_id":"\u0041"})"), HashKey(kSecret, "a/b", "A"));
    EXPECT_EQ(KeyOfPayload(R"({"event_id":"first","event_id":"second"})"), HashKey(kSecret, "a/b", "first"));
    EXPECT_EQ(KeyOf({.topic = "c", .properties = {{"event_id", "p1"}, {"event_id", "p2"}}}),
              HashKey(kSecret, "c", "p1"));
    EXPECT_EQ(KeyOf({.payload = R"({"event_id":"e1"})", .properties = {{"event_id", "p"}}}),
              HashKey(kSecret, "a/b", "p"));
    EXPECT_EQ(TextOfPayload(R"({"event_id":"a|b"})"), "default: a|b");
    EXPECT_EQ(Find({.payload = R"({"event_id":"e1"})"}).key.rule, finder_->rules().default_number());
    EXPECT_EQ(TextOfPayload(R"({"id":"e1"})"), "none");
    EXPECT_EQ(TextOfPayload("[1]"), "none");
    EXPECT_EQ(TextOf({.topic = "$x", .payload = R"({"event_id":"e1"})"}), "none");
  }
}

TEST_F(KeyFinderTest, TheDefaultRuleIsThatOfTheOptions) {
  const DefaultRule options = {.topics = {"a/+"}, .id_property = "mid", .id_member = "0"};
  for (const char* const rules : {"", R"({"name":"r","topics":["#"],"key":["/nowhere"]})"}) {
    Load(rules, true, options);
    EXPECT_EQ(KeyOfPayload(R"({"0":"e1"})"), HashKey(kSecret, "a/b", "e1"));
    EXPECT_EQ(KeyOf({.properties = {{"event_id", "x"}, {"mid", "p"}}}), HashKey(kSecret, "a/b", "p"));
    EXPECT_EQ(TextOfPayload(R"(["e1"])"), "none");
    EXPECT_EQ(TextOf({.topic = "b", .payload = R"({"0":"e1"})"}), "none");
    Load(rules, false, options);
    EXPECT_EQ(TextOfPayload(R"({"0":"e1"})"), "none");
  }
}

TEST_F(KeyFinderTest, AnIdThatCannotBeUsedIsInvalidAndHidesNoGoodOne) {
  for (const char* const rules : {"", R"({"name":"r","topics":["#"],"key":["/nowhere"]})"}) {
    Load(rules);
    for (const std::string payload : {R"({"event_id":""})", R"({"event_id":1.5})", R"({"event_id":null})",
                                      R"({"event_id":{"a":1}})", R"({"event_id":[]})", R"({"event_id":true})"}) {
      const Finding finding = Find({.payload = payload});
      EXPECT_EQ(finding.status, FindStatus::kInvalid) << payload;
      EXPECT_EQ(finding.reason, InvalidReason::kUnusableId) << payload;
    }
    const std::string too_long(257, 'x');
    EXPECT_EQ(TextOfPayload("{\"event_id\":\"" + too_long + "\"}"), "invalid");
    for (const std::string& property : {std::string(), too_long}) {
      EXPECT_EQ(TextOf({.properties = {{"event_id", property}}}), "invalid");
      EXPECT_EQ(TextOf({.payload = "{\"id\":1}", .properties = {{"event_id", property}}}), "invalid");
      EXPECT_EQ(TextOf({.payload = R"({"event_id":"good"})", .properties = {{"event_id", property}}}), "default: good");
      EXPECT_EQ(TextOf({.payload = R"({"event_id":null})", .properties = {{"event_id", property}}}), "invalid");
    }
    EXPECT_EQ(TextOf({.payload = R"({"event_id":null})", .properties = {{"event_id", "good"}}}), "default: good");
  }
}

TEST_F(KeyFinderTest, APayloadThatNamesTheIdAndIsNoJsonIsInvalid) {
  for (const char* const rules : {"", R"({"name":"r","topics":["#"],"key":["/nowhere"]})"}) {
    Load(rules);
    for (const std::string& payload :
         {std::string(R"({"event_id":"a","x":NaN})"), std::string(R"({"x":NaN,"event_id":"a"})"),
          std::string("{\"event_id\":\"a\"}\0", 17), std::string("\xEF\xBB\xBF{\"event_id\":\"a\"}"),
          std::string(" {\"event_id\":\"a\""), std::string("{'event_id':1,\"event_id\":2}")}) {
      const Finding finding = Find({.payload = payload});
      EXPECT_EQ(finding.status, FindStatus::kInvalid) << payload;
      EXPECT_EQ(finding.reason, InvalidReason::kBrokenJson) << payload;
    }
    for (const std::string payload :
         {"event_id", "\"event_id\"", "[{\"event_id\":1}", "{event_id:1}", "\xEF\xBB\xBF{\"id\":1}",
          "{\"a\":\"\\n\",x}", "", "\xEF\xBB\xBF", "{\"x_event_id\":NaN}"}) {
      EXPECT_EQ(TextOfPayload(payload), "none") << payload;
    }
  }
}

TEST_F(KeyFinderTest, TheLikelyKeyIsToldBeforeTheRestIsRead) {
  Load(R"({"name":"r","topics":["x"],"key":["/id"]})");
  std::vector<KeyHash> likely;
  const auto find = [&](const std::string& topic, const std::string& payload) {
    likely.clear();
    return finder_->Find({topic, payload, {}, {}, {}}, [&](const KeyHash& hash) { likely.push_back(hash); });
  };
  EXPECT_EQ(find("a", R"({"event_id":"e1","x":1})").status, FindStatus::kKey);
  EXPECT_THAT(likely, testing::ElementsAre(HashKey(kSecret, "a", "e1")));
  EXPECT_EQ(find("a", R"({"event_id":"e1","x":})").status, FindStatus::kInvalid);
  EXPECT_THAT(likely, testing::ElementsAre(HashKey(kSecret, "a", "e1")));
  EXPECT_EQ(find("a", R"({"x":1})").status, FindStatus::kNone);
  EXPECT_THAT(likely, IsEmpty());
  const Finding finding = find("x", R"({"id":1})");
  EXPECT_THAT(likely, testing::ElementsAre(finding.key.hash));
}

// --- Which rule ------------------------------------------------------------------------------------------

TEST_F(KeyFinderTest, TheFirstRuleThatMatchesAndMakesAKeyWins) {
  Load(R"({"name":"first","topics":["a/#"],"key":["/x","/y"]},)"
       R"({"name":"second","topics":["a/+"],"key":["/x"]},)"
       R"({"name":"third","topics":["#"],"key":["/z"]})");
  EXPECT_EQ(TextOfPayload(R"({"x":1,"y":2,"event_id":"e"})"), "first: 1|2");
  EXPECT_EQ(TextOfPayload(R"({"x":1,"z":2,"event_id":"e"})"), "second: 1");
  EXPECT_EQ(TextOfPayload(R"({"z":2,"event_id":"e"})"), "third: 2");
  EXPECT_EQ(TextOfPayload(R"({"event_id":"e"})"), "default: e");
  EXPECT_EQ(TextOf({.topic = "b", .payload = R"({"x":1,"y":2,"z":3})"}), "third: 3");
  EXPECT_EQ(TextOfPayload("{}"), "none");
  EXPECT_EQ(finder_->counts(0).matched, 5U);
  EXPECT_EQ(finder_->counts(0).keyed, 1U);
  EXPECT_EQ(finder_->counts(1).matched, 4U);
  EXPECT_EQ(finder_->counts(1).keyed, 1U);
  EXPECT_EQ(finder_->counts(2).matched, 4U);
  EXPECT_EQ(finder_->counts(2).keyed, 2U);
  EXPECT_EQ(finder_->counts(3).matched, 2U);
  EXPECT_EQ(finder_->counts(3).keyed, 1U);
}

TEST_F(KeyFinderTest, ToObserveChangesNothing) {
  const std::string deciding = R"({"name":"drop","topics":["a/#"],"key":["/x"]})";
  Load(R"({"name":"o1","topics":["#"],"key":["/y"],"mode":"observe"},{"name":"o2","topics":["#"],"key":["client"],)"
       R"("mode":"observe"},)" +
       deciding + R"(,{"name":"late","topics":["#"],"key":["client"],"mode":"observe"})");
  const auto observed = [this](const std::string& payload) {
    const Finding finding = Find({.payload = payload});
    if (!finding.observed) return std::string("none");
    return std::string(finder_->rules().NameOf(finding.observed->rule)) + ": " +
           std::string(finder_->ObservedTextOf(finding));
  };
  EXPECT_EQ(observed(R"({"x":1,"y":2})"), "o1: 2");
  EXPECT_EQ(observed(R"({"x":1})"), "o2: c1");
  EXPECT_EQ(observed(""), "o2: c1");
  for (const char* const payload : {R"({"x":1,"y":2})", R"({"x":1})", R"({"event_id":"e"})", ""}) {
    const std::string text = TextOfPayload(payload);
    const auto key = KeyOfPayload(payload);
    const auto without = std::exchange(finder_, nullptr);
    Load(deciding);
    EXPECT_EQ(TextOfPayload(payload), text);
    EXPECT_EQ(KeyOfPayload(payload), key);
    finder_ = std::make_unique<KeyFinder>(without->rules(), kSecret);
  }
  // One behind the rule that decides is not asked.
  Load(deciding + R"(,{"name":"late","topics":["#"],"key":["client"],"mode":"observe"})");
  EXPECT_EQ(observed(R"({"x":1})"), "none");
  EXPECT_EQ(observed(R"({"y":1})"), "late: c1");
}

// --- The parts -------------------------------------------------------------------------------------------

TEST_F(KeyFinderTest, AllPartsMustBeThere) {
  LoadKey(R"("/a","/b/0")");
  EXPECT_EQ(TextOfPayload(R"({"a":"x","b":[2]})"), "r: x|2");
  for (const char* const payload :
       {"", "{}", R"({"a":"x"})", R"({"b":[2]})", R"({"a":"","b":[2]})", R"({"a":null,"b":[2]})", R"({"a":{},"b":[2]})",
        R"({"a":[1],"b":[2]})", R"({"a":"x","b":[]})", R"({"a":"x","b":2})", R"({"a":"x","b":[2]}x)",
        R"({"a":"x","a":"x","b":[2]})"}) {
    EXPECT_EQ(TextOfPayload(payload), "none") << payload;
  }
}

TEST_F(KeyFinderTest, ValuesAreToldApartByTypeAndText) {
  LoadKey(R"("/v")");
  std::set<std::pair<std::uint64_t, std::uint64_t>> keys;
  for (const char* const value :
       {"5", "\"5\"", "5.0", "5e0", "50", "-5", "true", "\"true\"", "false", "\"false\"", "\" 5\""}) {
    const auto key = KeyOfPayload(std::string("{\"v\":") + value + "}");
    ASSERT_TRUE(key) << value;
    EXPECT_TRUE(keys.insert({key->high, key->low}).second) << value;
  }
  EXPECT_EQ(KeyOfPayload(R"({"v":"A"})"), KeyOfPayload(R"( {"x":[],"\u0076":"\u0041"} )"));
  EXPECT_EQ(TextOfPayload(R"({"v":1769900123.45})"), "r: 1769900123.45");
  EXPECT_EQ(TextOfPayload("{\"v\":\"" + std::string(100'000, 'x') + "\"}").size(), 3 + kKeyTextBytesMax);
}

TEST_F(KeyFinderTest, OfAlternativesTheFirstThatIsThereCounts) {
  LoadKey(R"("property:id|/id|pb:1|username")");
  const Message all = {.payload = R"({"id":"j"})", .username = "u", .properties = {{"id", "p"}}};
  EXPECT_EQ(TextOf(all), "r: p");
  EXPECT_EQ(TextOf({.payload = R"({"id":"j"})", .username = "u", .properties = {{"id", ""}, {"id", "p"}}}), "r: j");
  EXPECT_EQ(TextOf({.payload = R"({"id":"j"})", .username = "u"}), "r: j");
  EXPECT_EQ(TextOf({.payload = "\x08\x05", .username = "u"}), "r: 5");
  EXPECT_EQ(TextOf({.payload = "x", .username = "u"}), "r: u");
  EXPECT_EQ(TextOf({.payload = "x"}), "none");
  // In doubt there is none, whatever stands behind it.
  EXPECT_EQ(TextOf({.payload = R"({"id":1,"id":2})", .username = "u"}), "none");
}

TEST_F(KeyFinderTest, AMissingOptionalPartIsAValueOfItsOwn) {
  LoadKey(R"("/a","?/b")");
  EXPECT_EQ(TextOfPayload(R"({"a":1})"), "r: 1|-");
  EXPECT_EQ(KeyOfPayload(R"({"a":1})"), KeyOfPayload(R"({"a":1,"b":null})"));
  EXPECT_NE(KeyOfPayload(R"({"a":1})"), KeyOfPayload(R"({"a":1,"b":"-"})"));
  EXPECT_EQ(TextOfPayload(R"({"a":1,"b":"-"})"), R"(r: 1|\-)");
  EXPECT_EQ(TextOfPayload(R"({"a":1,"b":2,"b":3})"), "none");
  EXPECT_EQ(TextOfPayload(R"({"b":1})"), "none");
}

TEST_F(KeyFinderTest, TheSameEventInSeveralFormatsIsOne) {
  // CloudEvents over MQTT: binary mode, structured mode.
  Load(
      R"({"name":"ce","topics":["doors/#"],"ignore_levels":"all","key":["property:source|/source","property:id|/id"]})");
  const auto structured =
      KeyOf({.topic = "doors/1", .payload = R"({"specversion":"1.0","source":"/plant/1","id":"42"})"});
  EXPECT_EQ(KeyOf({.topic = "doors/1", .payload = "open", .properties = {{"id", "42"}, {"source", "/plant/1"}}}),
            structured);
  EXPECT_EQ(KeyOf({.topic = "doors/2", .payload = R"({"id":"\u0034\u0032","source":"\/plant\/1"})"}), structured);
  EXPECT_NE(KeyOf({.topic = "doors/1", .payload = R"({"source":"/plant/2","id":"42"})"}), structured);
  // Meshtastic: protobuf, JSON. The packet is field 1 of the envelope, a fixed32 its fields 1 and 6.
  Load(R"({"name":"mesh","topics":["msh/#"],"ignore_levels":[-1],"key":["/from|pb:1.1","/id|pb:1.6"],"window":"10m"})");
  const std::string packet = std::string("\x0A\x0A\x0D\x07\0\0\0\x35\x2A\0\0\0", 12) + "\x12\x04test";
  EXPECT_EQ(TextOf({.topic = "msh/2/e/!1", .payload = packet}), "mesh: 7|42");
  EXPECT_EQ(KeyOf({.topic = "msh/2/e/!1", .payload = packet}),
            KeyOf({.topic = "msh/2/e/!9", .payload = R"({"id":42,"from":7})"}));
}

TEST_F(KeyFinderTest, ClientAndUsernameArePartsTheyAreNotConfusedWith) {
  LoadKey(R"("client","?username")");
  EXPECT_EQ(TextOf({.client = "c|1", .username = "u"}), R"(r: c\|1|u)");
  EXPECT_NE(KeyOf({.client = "ab", .username = "c"}), KeyOf({.client = "a", .username = "bc"}));
  EXPECT_EQ(TextOf({.client = "", .username = "u"}), "none");
}

// --- The payload as a part -------------------------------------------------------------------------------

TEST_F(KeyFinderTest, APayloadIsItsBytes) {
  LoadKey(R"("payload")");
  EXPECT_EQ(KeyOfPayload("abc"), KeyOfPayload("abc"));
  EXPECT_NE(KeyOfPayload("abc"), KeyOfPayload("abd"));
  EXPECT_NE(KeyOfPayload("abc"), KeyOfPayload(std::string("abc\0", 4)));
  EXPECT_NE(KeyOfPayload(R"({"a":1})"), KeyOfPayload(R"({"a": 1})"));
  EXPECT_EQ(TextOfPayload(""), "none");
  EXPECT_EQ(TextOfPayload("abc").substr(0, 4), "r: #");
  EXPECT_EQ(TextOfPayload("abc").size(), 20U);
  EXPECT_NE(TextOfPayload("abc"), TextOfPayload("abd"));
}

TEST_F(KeyFinderTest, OrItsJsonValueWithoutWhatIsIgnored) {
  LoadKey(R"("/id","payload")", R"(,"ignore":["/rssi","/meta/seen"])");
  const auto key = KeyOfPayload(R"({"id":"x","rssi":-40,"meta":{"seen":1,"by":"a"},"t":21.5})");
  ASSERT_TRUE(key);
  EXPECT_EQ(KeyOfPayload(R"({ "t":21.5, "meta":{"by":"a"}, "id":"x" })"), key);
  EXPECT_NE(KeyOfPayload(R"({"id":"x","meta":{"by":"a"},"t":21.50})"), key);
  EXPECT_NE(KeyOfPayload(R"({"id":"x","meta":{"by":"b"},"t":21.5})"), key);
  EXPECT_EQ(TextOfPayload(R"({"id":"x","a":{"b":1,"b":1}})"), "none");
  EXPECT_EQ(TextOfPayload(R"({"id":"x","rssi":{"b":1,"b":1}})").substr(0, 6), "r: x|#");
  EXPECT_EQ(TextOfPayload("x"), "none");
}

TEST_F(KeyFinderTest, APayloadIsNotMistakenForATextOfTheSameBytes) {
  LoadKey(R"("/id|payload")");
  EXPECT_EQ(TextOfPayload(R"({"id":"abc"})"), "r: abc");
  EXPECT_NE(KeyOfPayload(R"({"id":"abc"})"), KeyOfPayload("abc"));
}

// --- Name, definition, scope -----------------------------------------------------------------------------

TEST_F(KeyFinderTest, RulesNeverMeetEachOthersIds) {
  std::set<std::pair<std::uint64_t, std::uint64_t>> keys;
  for (const char* const rule :
       {R"({"name":"r","topics":["#"],"key":["/id"]})", R"({"name":"s","topics":["#"],"key":["/id"]})",
        R"({"name":"r","topics":["#"],"key":["?/id"]})", R"({"name":"r","topics":["#"],"key":["/id|/x"]})",
        R"({"name":"r","topics":["#"],"key":["/id"],"ignore_levels":[1]})",
        R"({"name":"r","topics":["#"],"key":["/id"],"ignore_levels":"all"})", ""}) {
    Load(rule);
    const auto key = KeyOfPayload(R"({"id":"1","event_id":"1"})");
    EXPECT_TRUE(keys.insert({key->high, key->low}).second) << rule;
  }
  // What the key is not made of does not count.
  Load(R"({"name":"r","topics":["#"],"key":["/id"]})");
  const auto key = KeyOfPayload(R"({"id":"1"})");
  Load(
      R"({"name":"o","topics":["x"],"key":["/id"]},{"name":"r","topics":["a/b","c"],"key":["/id"],"window":"1s","store":"id"})");
  EXPECT_EQ(KeyOfPayload(R"({"id":"1"})"), key);
}

TEST_F(KeyFinderTest, TheTopicCountsButForTheLevelsThatAreIgnored) {
  const auto same = [this](const std::string& a, const std::string& b) {
    return KeyOf({.topic = a, .payload = R"({"id":1})"}) == KeyOf({.topic = b, .payload = R"({"id":1})"});
  };
  LoadKey(R"("/id")");
  EXPECT_FALSE(same("a/1", "a/2"));
  LoadKey(R"("/id")", R"(,"ignore_levels":[2])");
  EXPECT_TRUE(same("a/1", "a/2"));
  EXPECT_TRUE(same("a/1/x", "a//x"));
  EXPECT_FALSE(same("a/1/x", "a/1/y"));
  EXPECT_FALSE(same("a/1", "b/1"));
  EXPECT_FALSE(same("a/1", "a"));
  EXPECT_FALSE(same("a/1/1", "a/1"));
  EXPECT_FALSE(same("a/1/x", "a/x"));
  LoadKey(R"("/id")", R"(,"ignore_levels":[-1,2])");
  EXPECT_TRUE(same("a/1/x/2", "a/3/x/4"));
  EXPECT_FALSE(same("a/1/x/2", "a/1/y/2"));
  EXPECT_TRUE(same("a/1", "a/2"));
  EXPECT_FALSE(same("a/1", "a/1/2"));
  EXPECT_FALSE(same("a", "b/1"));
  EXPECT_TRUE(same("a", "x"));
  LoadKey(R"("/id")", R"(,"ignore_levels":"all")");
  EXPECT_TRUE(same("a/1", "b/2/3"));
  EXPECT_TRUE(same("a", "x"));
}

TEST_F(KeyFinderTest, WithoutPartsTheTopicAloneIsTheKey) {
  LoadKey("", R"(,"ignore_levels":[1])");
  EXPECT_EQ(TextOf({.topic = "a/17"}), "r: +/17");
  EXPECT_EQ(KeyOf({.topic = "a/17", .payload = "x"}), KeyOf({.topic = "b/17", .payload = "y"}));
  EXPECT_NE(KeyOf({.topic = "a/17"}), KeyOf({.topic = "a/18"}));
  const std::string longest = "a/" + std::string(65533, '/');
  EXPECT_EQ(TextOf({.topic = longest}).size(), 3 + kKeyTextBytesMax);
}

TEST_F(KeyFinderTest, ATopicOfTheLargestSizeWithManyIgnoredLevels) {
  std::string levels;
  for (int i = 1; i <= 16; ++i) levels += (i == 1 ? "" : ",") + std::to_string(i) + "," + std::to_string(-i);
  Load(R"({"name":"r","topics":["#"],"key":["/id"],"ignore_levels":[)" + levels + "]}");
  EXPECT_TRUE(KeyOf({.topic = std::string(65535, '/'), .payload = R"({"id":1})"}));
}

TEST_F(KeyFinderTest, AnotherSecretMakesOtherKeys) {
  LoadKey(R"("payload")");
  KeyFinder other(finder_->rules(), {1});
  const Publish publish = {"a", "x", "c", "", {}};
  EXPECT_NE(finder_->Find(publish).key.hash, other.Find(publish).key.hash);
}

}  // namespace
}  // namespace dedup
