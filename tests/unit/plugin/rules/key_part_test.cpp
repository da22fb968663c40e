#include "plugin/core/rules/key_part.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dedup {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Type = KeyPart::Type;

constexpr HashSecret kSecret = {1, 2, 3};
constexpr KeyHash kKey = {.high = 5, .low = 6};

KeyPart Make(Type type, std::string_view text = {}) { return {.type = type, .has_escapes = false, .text = text}; }
KeyPart Text(std::string_view text) { return Make(Type::kString, text); }
KeyPart Escaped(std::string_view text) { return {.type = Type::kString, .has_escapes = true, .text = text}; }

std::pair<std::uint64_t, std::uint64_t> Hash(const std::vector<KeyPart>& parts) {
  SipHash128 hash(kSecret);
  for (const KeyPart& part : parts) hash = WithPart(hash, part);
  const KeyHash key = hash.Finish();
  return {key.high, key.low};
}

TEST(KeyPartTest, PartsThatDifferHaveOtherHashes) {
  KeyPart digest = Make(Type::kDigest);
  KeyPart other_digest = digest;
  other_digest.digest = {1, 0, 0, 0};
  const std::vector<std::vector<KeyPart>> kDifferent = {
      {},
      {Make(Type::kMissing)},
      {Make(Type::kMissing), Make(Type::kMissing)},
      {Text("5")},
      {Make(Type::kNumber, "5")},
      {Make(Type::kPayload, "5")},
      {Text("true")},
      {Make(Type::kBoolean, "true")},
      {digest},
      {other_digest},
      {Text("a"), Text("bc")},
      {Text("ab"), Text("c")},
      {Text("abc")},
      {Text("abc"), Make(Type::kMissing)},
      {Make(Type::kMissing), Text("abc")},
      {Text("a\0"sv)},
      {Text("a")},
      {Text("12345678")},
      {Text("1234567"), Text("8")},
      {Text("\x01\x01\0\0\0\0\0\0"sv)},
  };
  std::set<std::pair<std::uint64_t, std::uint64_t>> hashes;
  for (const auto& parts : kDifferent) EXPECT_TRUE(hashes.insert(Hash(parts)).second);
}

TEST(KeyPartTest, EscapesCountAsWhatTheyMean) {
  EXPECT_EQ(Hash({Escaped(R"("\u0041b\n")")}), Hash({Text("Ab\n")}));
  const std::string hundred(100, 'x');
  for (std::size_t i = 0; i < 20; ++i) {
    const std::string plain = hundred.substr(0, i) + "\xC3\xA4" + hundred;
    const std::string escaped = "\"" + hundred.substr(0, i) + "\\u00e4" + hundred + "\"";
    EXPECT_EQ(Hash({Escaped(escaped)}), Hash({Text(plain)})) << i;
  }
}

// --- The text ----------------------------------------------------------------------------------------

std::string TextOf(const std::vector<KeyPart>& parts, const KeyHash& key = kKey) {
  KeyTextBuffer buffer;
  return std::string(KeyText(parts, key, kSecret, buffer));
}

TEST(KeyTextTest, HasThePartsAsTheyAre) {
  EXPECT_EQ(TextOf({Text("abc")}), "abc");
  EXPECT_EQ(TextOf({Make(Type::kNumber, "-1.5e3")}), "-1.5e3");
  EXPECT_EQ(TextOf({Text("plant-1"), Make(Type::kNumber, "42"), Make(Type::kBoolean, "true")}), "plant-1|42|true");
  EXPECT_EQ(TextOf({Text("a"), Make(Type::kMissing), Text("b")}), "a|-|b");
  EXPECT_EQ(TextOf({Make(Type::kMissing)}), "-");
  EXPECT_EQ(TextOf({Escaped(R"("\u00e4\/")"), Text("größe")}), "ä/|größe");
}

TEST(KeyTextTest, EscapesWhatWouldBeReadWrongly) {
  EXPECT_EQ(TextOf({Text("a|b"), Text("c\\d")}), R"(a\|b|c\\d)");
  EXPECT_EQ(TextOf({Text("a|b")}), R"(a\|b)");
  EXPECT_EQ(TextOf({Text("-"), Text("#x"), Text("a-#")}), R"(\-|\#x|a-#)");
  EXPECT_EQ(TextOf({Text("\n\x7F\0"sv)}), R"(\x0a\x7f\x00)");
  EXPECT_EQ(TextOf({Text("\xFF\xC3z\xC2\x85\xED\xA0\x80")}), R"(\xff\xc3z\xc2\x85\xed\xa0\x80)");
  EXPECT_EQ(TextOf({Escaped(R"("\u000a\"|")")}), "\\x0a\"\\|");
}

TEST(KeyTextTest, HasAFingerprintInPlaceOfAPayload) {
  const std::string fingerprint = TextOf({Make(Type::kPayload, "anything")});
  EXPECT_EQ(fingerprint.size(), 17U);
  EXPECT_EQ(fingerprint.find_first_not_of("0123456789abcdef", 1), std::string::npos);
  EXPECT_EQ(fingerprint.front(), '#');
  EXPECT_EQ(TextOf({Text("single"), Make(Type::kDigest)}), "single|" + fingerprint);
  EXPECT_NE(TextOf({Make(Type::kPayload, "anything")}, {.high = 5, .low = 7}), fingerprint);
  EXPECT_NE(TextOf({Make(Type::kPayload, "anything")}, {.high = 6, .low = 6}), fingerprint);
}

TEST(KeyTextTest, IsCutAtItsLimitAndToldApartByTheFingerprint) {
  const std::string whole(256, 'x');
  EXPECT_EQ(TextOf({Text(whole)}), whole);
  const std::string fingerprint = TextOf({Make(Type::kPayload, "anything")});
  const std::string cut = TextOf({Text(whole + "y")});
  EXPECT_EQ(cut, whole.substr(0, 236) + "…" + fingerprint);
  EXPECT_EQ(cut.size(), 256U);
  EXPECT_EQ(TextOf({Text(whole), Text("y")}), cut);
  EXPECT_EQ(TextOf({Text("a"), Text(std::string(70'000, 'x')), Text("y")}),
            "a|" + whole.substr(0, 234) + "…" + fingerprint);
  EXPECT_EQ(TextOf({Text(std::string(255, 'x') + "|")}), cut);
}

TEST(KeyTextTest, IsCutBetweenCharacters) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    while (text.size() < 300) text += "😀";
    const std::string cut = TextOf({Text(text)});
    EXPECT_LE(cut.size(), 256U);
    const std::size_t kept = cut.find("…");
    ASSERT_NE(kept, std::string::npos);
    EXPECT_EQ(kept % 4, shift % 4);
    EXPECT_EQ(cut.substr(0, kept), text.substr(0, kept));
    std::string quoted = "\"";
    quoted += text;
    EXPECT_EQ(TextOf({Escaped(quoted + "\\n\"")}), cut);
  }
}

// Every size around the limit, for parts of several kinds: never too long, and never the same for parts that differ.
TEST(KeyTextTest, KeepsItsLimits) {
  for (std::size_t size = 1; size < 300; ++size) {
    for (const std::string& unit : {"x"s, "|"s, "ä"s, "\x01"s, "\xFF"s}) {
      std::string text;
      while (text.size() < size) text += unit;
      for (const auto& parts : {std::vector{Text(text)}, std::vector{Text(text), Make(Type::kMissing)},
                                std::vector{Make(Type::kPayload, text), Text(text)}}) {
        const std::string told = TextOf(parts);
        EXPECT_LE(told.size(), kKeyTextBytesMax);
        EXPECT_GE(told.size(), 1U);
        EXPECT_EQ(told.find_first_of("\x01\xFF"), std::string::npos);
      }
    }
  }
}

}  // namespace
}  // namespace dedup
