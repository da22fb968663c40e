#include "plugin/core/text/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dedup::json {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::Pair;

std::string Concat(std::initializer_list<std::string_view> pieces) {
  std::string all;
  for (const std::string_view piece : pieces) all += piece;
  return all;
}

std::string Repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (; times != 0; --times) all += text;
  return all;
}

// --- RFC 8259 once more, slow and simple, as the oracle ------------------------------------------

class SimpleValidator {
 public:
  static bool IsJson(std::string_view text) {
    SimpleValidator validator(text);
    return validator.Value() && validator.Spaces() && validator.text_.empty();
  }

 private:
  explicit SimpleValidator(std::string_view text) : text_(text) {}

  bool Take(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  bool Spaces() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size()));
    return true;
  }
  bool Value() {
    Spaces();
    if (Take("{")) return Items("}", [this] { return Spaces() && String() && Spaces() && Take(":") && Value(); });
    if (Take("[")) return Items("]", [this] { return Value(); });
    return Take("true") || Take("false") || Take("null") || (text_.starts_with('"') ? String() : Number());
  }
  template <class Item>
  bool Items(std::string_view close, Item item) {
    Spaces();
    if (Take(close)) return true;
    do {
      if (!item()) return false;
      Spaces();
    } while (Take(","));
    return Take(close);
  }
  std::size_t Digits() {
    const std::size_t count = std::min(text_.find_first_not_of("0123456789"), text_.size());
    text_.remove_prefix(count);
    return count;
  }
  bool Number() {
    Take("-");
    if (!Take("0") && Digits() == 0) return false;
    if (Take(".") && Digits() == 0) return false;
    if (!Take("e") && !Take("E")) return true;
    if (!Take("+")) Take("-");
    return Digits() != 0;
  }
  // The UTF-16 unit of \uXXXX.
  std::optional<unsigned> Unit() {
    if (!Take("\\u") || text_.size() < 4) return std::nullopt;
    const std::string digits(text_.substr(0, 4));
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return std::nullopt;
    text_.remove_prefix(4);
    return static_cast<unsigned>(std::stoul(digits, nullptr, 16));
  }
  bool String() {
    if (!Take("\"")) return false;
    while (!Take("\"")) {
      if (text_.empty() || static_cast<unsigned char>(text_[0]) < 0x20) return false;
      if (text_[0] != '\\') {
        if (!Utf8()) return false;
      } else if (text_.starts_with("\\u")) {
        const auto unit = Unit();
        if (!unit || *unit / 0x400 == 0xDC00 / 0x400) return false;
        if (*unit / 0x400 == 0xD800 / 0x400 && Unit().value_or(0) / 0x400 != 0xDC00 / 0x400) return false;
      } else {
        if (text_.size() < 2 || "\"\\/bfnrt"sv.find(text_[1]) == std::string_view::npos) return false;
        text_.remove_prefix(2);
      }
    }
    return true;
  }
  // Decodes, then asks whether the code point is one and could have been written shorter.
  bool Utf8() {
    const auto lead = static_cast<unsigned char>(text_[0]);
    const std::size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (size == 0 || text_.size() < size) return false;
    constexpr unsigned kLeadBits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    constexpr unsigned kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned code_point = lead & kLeadBits[size];
    for (std::size_t i = 1; i < size; ++i) {
      const auto byte = static_cast<unsigned char>(text_[i]);
      if (byte >> 6 != 2) return false;
      code_point = code_point << 6 | (byte & 0x3F);
    }
    text_.remove_prefix(size);
    return code_point >= kSmallest[size] && code_point <= 0x10FFFF && code_point / 0x800 != 0xD800 / 0x800;
  }

  std::string_view text_;
};

// --- The reader, asked in all the ways that there are --------------------------------------------

struct Answer {
  bool ok;
  std::string reason;
  std::size_t offset;
  bool operator==(const Answer&) const = default;
};

void PrintTo(const Answer& answer, std::ostream* out) { *out << answer.offset << ": " << answer.reason; }

template <class Read>
Answer Ask(std::string_view document, Read read) {
  // Bytes of their own, so that a sanitizer sees a read beyond them.
  const auto copy = std::make_unique<char[]>(document.size());
  std::copy(document.begin(), document.end(), copy.get());
  Reader reader({copy.get(), document.size()});
  read(reader);
  return {reader.ok(), reader.ok() ? "" : reader.reason(), reader.offset()};
}

Answer AskWhole(std::string_view document) {
  return Ask(document, [](Reader& reader) {
    Value value;
    const bool read = reader.ReadDocument(&value);
    EXPECT_EQ(read, reader.ok());
  });
}

/// Member by member or element by element where the document is a container, else whole.
Answer AskInPieces(std::string_view document) {
  return Ask(document, [](Reader& reader) {
    std::string_view name;
    Value value;
    if (reader.EnterObject()) {
      while (reader.NextMember(&name, &value)) {
      }
    } else if (reader.EnterArray()) {
      while (reader.NextElement(&value)) {
      }
    } else {
      reader.ReadDocument(&value);
    }
  });
}

/// An object's first members by name, the others without a look.
Answer AskAndSkip(std::string_view document, int members) {
  return Ask(document, [members](Reader& reader) {
    std::string_view name;
    Value value;
    if (!reader.EnterObject()) return;
    for (int i = 0; i < members; ++i) {
      if (!reader.NextMember(&name, &value)) return;
    }
    const bool read = reader.SkipMembers();
    EXPECT_EQ(read, reader.ok());
  });
}

/// Each container is entered: by name or element, with the value or before it.
Answer AskEverywhere(std::string_view document, bool with_values) {
  return Ask(document, [with_values](Reader& reader) {
    std::string_view name;
    Value value;
    std::vector<bool> in_object;
    if (!reader.EnterObject()) {
      if (!reader.EnterArray()) {
        reader.ReadDocument(&value);
        return;
      }
      in_object.push_back(false);
    } else {
      in_object.push_back(true);
    }
    while (!in_object.empty() && reader.ok()) {
      if (with_values) {
        if (!(in_object.back() ? reader.NextMemberOrEnter(&name, &value) : reader.NextElementOrEnter(&value))) {
          in_object.pop_back();
        } else if (value.kind == Kind::kObject || value.kind == Kind::kArray) {
          in_object.push_back(value.kind == Kind::kObject);
        }
      } else if (!(in_object.back() ? reader.NextName(&name) : reader.NextItem())) {
        in_object.pop_back();
      } else if (reader.EnterObject()) {
        in_object.push_back(true);
      } else if (reader.EnterArray()) {
        in_object.push_back(false);
      } else if (reader.ok()) {
        reader.ReadValue(&value);
      }
    }
  });
}

/// The containers within the outermost are entered, and left after a few of their members.
Answer AskAndSkipWithin(std::string_view document, int members) {
  return Ask(document, [members](Reader& reader) {
    std::string_view name;
    Value value;
    const bool in_object = reader.EnterObject();
    if (!in_object && !reader.EnterArray()) {
      reader.ReadDocument(&value);
      return;
    }
    while (in_object ? reader.NextMemberOrEnter(&name, &value) : reader.NextElementOrEnter(&value)) {
      if (value.kind != Kind::kObject && value.kind != Kind::kArray) continue;
      const bool is_object = value.kind == Kind::kObject;
      bool more = true;
      for (int i = 0; more && i < members; ++i) {
        more = is_object ? reader.NextMember(&name, &value) : reader.NextElement(&value);
      }
      if (!more) continue;
      const bool skipped = is_object ? reader.SkipMembers() : reader.SkipElements();
      EXPECT_EQ(skipped, reader.ok());
    }
  });
}

bool IsObject(std::string_view document) { return Reader(document).EnterObject(); }

bool Accepts(std::string_view document) {
  const bool whole = AskWhole(document).ok;
  const Answer pieces = AskInPieces(document);
  EXPECT_EQ(pieces.ok, whole) << document;
  for (int members = 0; IsObject(document) && members < 3; ++members) {
    EXPECT_EQ(AskAndSkip(document, members), pieces) << document << " after " << members;
  }
  for (const bool with_values : {false, true}) EXPECT_EQ(AskEverywhere(document, with_values), pieces) << document;
  for (int members = 0; members < 3; ++members) EXPECT_EQ(AskAndSkipWithin(document, members), pieces) << document;
  EXPECT_EQ(SimpleValidator::IsJson(document), whole) << document;
  return whole;
}

std::string ReasonAt(std::string_view document) {
  const Answer answer = AskInPieces(document);
  return std::to_string(answer.offset) + ": " + answer.reason;
}

// --- What is JSON and what is not ----------------------------------------------------------------

struct Documents {
  std::string_view about;
  std::vector<std::string_view> texts;
};

TEST(JsonTest, AcceptsWhatRfc8259Allows) {
  const Documents kAccepted[] = {
      {"containers",
       {"{}", "[]", "[[]]", "[{}]", "{\"a\":{}}", "[1,2]", "[[],[[]],{}]", "{\"a\":1,\"a\":2}", "{\"\":0}",
        "{\"a\":[1,{\"b\":null}],\"c\":\"\"}"}},
      {"white space", {" [ 1 , 2 ] ", "\t\r\n{\r\"a\"\t:\n1 }\n", " 1 ", "[ ]", "{ }"}},
      {"numbers",
       {"0", "-0", "1", "-1", "10", "123456789012345678901234567890", "0.0", "-0.5", "1.25", "1e1", "1E1", "1e+1",
        "1e-1", "0e0", "0E+00", "1.5e300", "1e99999", "[0,-0,1e0]"}},
      {"words", {"true", "false", "null", "[true,false,null]"}},
      {"strings",
       {"\"\"", "\"a\"", "\" \"", "\"\x7F\"", R"("\"\\\/\b\f\n\r\t")", R"("\u0000")", R"("\u00e4\u00E4")",
        R"("\ud83d\ude00")", R"("\uDBFF\uDFFF")", R"("\uFFFF\uFFFE")", R"("\\u")", R"("\\\\")", R"({"\u0061":1})"}}};
  for (const auto& [about, texts] : kAccepted) {
    for (const std::string_view text : texts) EXPECT_TRUE(Accepts(text)) << about << ": " << text;
  }
}

TEST(JsonTest, RejectsWhatRfc8259DoesNotAllow) {
  const Documents kRejected[] = {
      {"nothing, or more than one document",
       {"", " ", "1 2", "[]]", "{}}", "[][]", "{}x", "\"a\"x", "null,", "[1]#", "1\0"sv, "\xEF\xBB\xBF{}",
        "\xEF\xBB\xBF", "/**/1", "[1]//c"}},
      {"commas and colons",
       {"[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1:2]", "{\"a\":1,}", "{,}", "{\"a\"}", "{\"a\":}", "{:1}",
        "{\"a\" 1}", "{\"a\",1}", "{\"a\":1,,\"b\":2}", "{\"a\":1 \"b\":2}", "{\"a\":1:2}", "{\"a\"::1}", ",", ":"}},
      {"brackets",
       {"[", "]", "{", "}", "[1", "[1}", "{\"a\":1]", "[[]", "[{]", "[{}", "{\"a\":[}", "[\"a", "{]", "[)", "<1>"}},
      {"names", {"{1:1}", "{null:1}", "{a:1}", "{'a':1}", "{[]:1}", "{\"a:1}", "[{a:1}]", "[{\"a\":1,b:2}]"}},
      {"numbers", {"01",    "-01", "00",   "-",        "+1",        "--1", "- 1",   "1.",           ".5",    "-.5",
                   "1.e1",  "1e",  "1e+",  "1e+-1",    "1ee1",      "0e",  "1.5.5", "0x10",         "1_000", "1,5",
                   "1e1.5", "NaN", "-NaN", "Infinity", "-Infinity", "1a",  "[1-2]", "\xEF\xBC\x91", "1 000"}},
      {"words", {"True", "TRUE", "tru", "truee", "nul", "nulll", "fals", "[nul]", "undefined", "a", "[a]"}},
      {"white space that is none", {"\v1", "\f1", "[\f]", "[1\xC2\xA0]", "\xE2\x81\xA0[]", "\0"sv, "[\0]"sv}},
      {"strings", {"\"", "\"a", "'a'", "\"a\"b\"", "\"\n\"", "\"\t\"", "\"\0\""sv, "\"\x1F\"", "\"a\x01z\""}},
      {"escapes",
       {R"("\a")", R"("\v")", R"("\0")", R"("\x41")", R"("\'")", R"("\ ")", R"("\U0041")", R"("\")", R"("\\\")",
        R"("\u")", R"("\u4")", R"("\u004")", R"("\u00g1")", R"("\u 041")", R"("\u-041")", "\"\\\n\"",
        "\"\\\xC3\xA4\""}},
      {"surrogates that are alone",
       {R"("\ud800")", R"("\udbff")", R"("\udc00")", R"("\uDFFF")", R"("\ud800a")", R"("\ud800\n")",
        R"("\ud800\u0041")", R"("\ud800\ud800")", R"("\udc00\ud800")", R"("\ud800\udc0")", R"("\ud800\u")",
        R"("\ud800\)", R"("\ud800xudc00")"}}};
  for (const auto& [about, texts] : kRejected) {
    for (const std::string_view text : texts) {
      EXPECT_FALSE(Accepts(text)) << about << ": " << text;
      EXPECT_FALSE(Accepts(Concat({"{\"a\":", text, "}"}))) << about << ": " << text;
    }
  }
}

TEST(JsonTest, AcceptsExactlyTheWellFormedSequencesOfUtf8) {
  for (const std::string_view good : {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xE1\x80\x80", "\xEC\xBF\xBF",
                                      "\xED\x80\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBD", "\xEF\xBF\xBF",
                                      "\xF0\x90\x80\x80", "\xF1\x80\x80\x80", "\xF4\x8F\xBF\xBF", "\xEF\xBB\xBF"}) {
    EXPECT_TRUE(Accepts(Concat({"\"", good, "\""}))) << good;
  }
  const Documents kBad[] = {
      {"a continuation first", {"\x80", "\xBF"}},
      {"overlong", {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF"}},
      {"surrogates", {"\xED\xA0\x80", "\xED\xAF\xBF", "\xED\xB0\x80", "\xED\xBF\xBF"}},
      {"above U+10FFFF", {"\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xF7\xBF\xBF\xBF"}},
      {"never bytes of UTF-8", {"\xF8\x88\x80\x80\x80", "\xFC\x84\x80\x80\x80\x80", "\xFE", "\xFF"}},
      {"cut short",
       {"\xC3", "\xC3z", "\xC3\xC3", "\xE2\x82", "\xE2\x82z", "\xE2z\xAC", "\xF0\x9F\x98", "\xF0\x9F\x98z",
        "\xF0\x9Fz\x80", "\xF0z\x98\x80", "\xE9"}}};
  for (const auto& [about, texts] : kBad) {
    for (const std::string_view text : texts) {
      EXPECT_FALSE(Accepts(Concat({"\"", text, "\""}))) << about << ": " << testing::PrintToString(text);
      EXPECT_FALSE(Accepts(Concat({"{\"", text, "\":1}"}))) << about << ": " << testing::PrintToString(text);
    }
  }
}

TEST(JsonTest, NestsToTheLimitAndNoDeeper) {
  const auto arrays = [](std::size_t depth) { return Repeat("[", depth) + Repeat("]", depth); };
  const auto objects = [](std::size_t depth) { return Repeat("{\"a\":", depth) + "1" + Repeat("}", depth); };
  for (const auto& nested : {arrays(kDepthMax - 1), arrays(kDepthMax), objects(kDepthMax - 1), objects(kDepthMax)}) {
    EXPECT_TRUE(AskInPieces(nested).ok) << AskInPieces(nested).reason;
    EXPECT_TRUE(AskWhole(nested).ok) << AskWhole(nested).reason;
    EXPECT_TRUE(AskAndSkip(nested, 0).ok) << AskAndSkip(nested, 0).reason;
    EXPECT_TRUE(AskEverywhere(nested, false).ok && AskEverywhere(nested, true).ok);
    EXPECT_TRUE(AskAndSkipWithin(nested, 0).ok);
  }
  for (const std::size_t depth : {std::size_t{kDepthMax} + 1, std::size_t{100'000}}) {
    for (const auto& nested : {arrays(depth), objects(depth), Repeat("[", depth), Repeat("[{\"a\":", depth)}) {
      EXPECT_EQ(AskInPieces(nested).reason, "nested too deeply");
      EXPECT_EQ(AskWhole(nested).reason, "nested too deeply");
      EXPECT_EQ(AskEverywhere(nested, false), AskInPieces(nested));
      EXPECT_EQ(AskEverywhere(nested, true), AskInPieces(nested));
      EXPECT_EQ(AskAndSkipWithin(nested, 1), AskInPieces(nested));
      if (IsObject(nested)) {
        EXPECT_EQ(AskAndSkip(nested, 0), AskInPieces(nested));
      }
    }
  }
}

TEST(JsonTest, TellsWhereAndWhatIsWrong) {
  EXPECT_EQ(ReasonAt(""), "0: expected a value");
  EXPECT_EQ(ReasonAt("hello"), "0: expected a value");
  EXPECT_EQ(ReasonAt("[1,x]"), "3: expected a value");
  EXPECT_EQ(ReasonAt("{\"a\":tru}"), "5: expected a value");
  EXPECT_EQ(ReasonAt("[] []"), "3: something follows the end of the document");
  EXPECT_EQ(ReasonAt("{\"a\":1"), "6: the document ends inside an object or array");
  EXPECT_EQ(ReasonAt("[[1"), "3: the document ends inside an object or array");
  EXPECT_EQ(ReasonAt("{\"a\":1 2}"), "7: expected a comma or the closing bracket");
  EXPECT_EQ(ReasonAt("[[1}]"), "3: expected a comma or the closing bracket");
  EXPECT_EQ(ReasonAt("{\"a\" 1}"), "5: expected a colon after a member's name");
  EXPECT_EQ(ReasonAt("{a:1}"), "1: expected a string");
  EXPECT_EQ(ReasonAt("{\"a\":1,}"), "7: expected a string");
  EXPECT_EQ(ReasonAt("[01]"), "1: a number with a leading zero");
  EXPECT_EQ(ReasonAt("[1.]"), "1: a number without digits after the point");
  EXPECT_EQ(ReasonAt("[1e]"), "1: a number without digits in its exponent");
  EXPECT_EQ(ReasonAt("[\"abc"), "5: the document ends inside a string");
  EXPECT_EQ(ReasonAt("[\"abcdefgh\n\"]"), "10: a control character inside a string must be escaped");
  EXPECT_EQ(ReasonAt("[\"\\x\"]"), "2: an unknown escape inside a string");
  EXPECT_EQ(ReasonAt("[\"\\u12\"]"), "2: \\u without four hex digits");
  EXPECT_EQ(ReasonAt("[\"a\\ud800\"]"), "3: a lone surrogate inside a string");
  EXPECT_EQ(ReasonAt("[\"abc\xFF\"]"), "5: invalid UTF-8 inside a string");
}

// --- What the reader shows -----------------------------------------------------------------------

TEST(JsonTest, ShowsEachMemberAsItStands) {
  Reader reader(R"( { "a" : "x\"" , "\u0062":-1.5e3,"c":[1, {"d":2}],"e":{ } ,"f":true,"g":false,"h":null } )");
  std::vector<std::pair<std::string, std::string>> members;
  std::vector<Kind> kinds;
  std::string_view name;
  Value value;
  ASSERT_TRUE(reader.EnterObject());
  while (reader.NextMember(&name, &value)) {
    members.emplace_back(name, value.text);
    kinds.push_back(value.kind);
  }
  EXPECT_TRUE(reader.ok());
  EXPECT_THAT(members,
              ElementsAre(Pair("\"a\"", R"("x\"")"), Pair(R"("\u0062")", "-1.5e3"), Pair("\"c\"", R"([1, {"d":2}])"),
                          Pair("\"e\"", "{ }"), Pair("\"f\"", "true"), Pair("\"g\"", "false"), Pair("\"h\"", "null")));
  EXPECT_THAT(kinds, ElementsAre(Kind::kString, Kind::kNumber, Kind::kArray, Kind::kObject, Kind::kTrue, Kind::kFalse,
                                 Kind::kNull));
}

TEST(JsonTest, GoesOnBehindAContainerThatWasEntered) {
  Reader reader(R"({"a":{"b":[1,[2],3]},"c":[{"d":4}, 5],"e":{}})");
  std::string_view name;
  Value value;
  ASSERT_TRUE(reader.EnterObject());
  ASSERT_TRUE(reader.NextName(&name));
  ASSERT_TRUE(reader.EnterObject());
  ASSERT_TRUE(reader.NextMemberOrEnter(&name, &value));
  EXPECT_EQ(name, "\"b\"");
  EXPECT_EQ(value.kind, Kind::kArray);
  ASSERT_TRUE(reader.NextElement(&value));
  EXPECT_EQ(value.text, "1");
  EXPECT_TRUE(reader.SkipElements());
  EXPECT_FALSE(reader.NextName(&name));
  ASSERT_TRUE(reader.NextName(&name));
  EXPECT_EQ(name, "\"c\"");
  EXPECT_FALSE(reader.EnterObject());
  ASSERT_TRUE(reader.EnterArray());
  ASSERT_TRUE(reader.NextElementOrEnter(&value));
  EXPECT_EQ(value.kind, Kind::kObject);
  EXPECT_TRUE(reader.SkipMembers());
  ASSERT_TRUE(reader.NextItem());
  ASSERT_TRUE(reader.ReadValue(&value));
  EXPECT_EQ(value.text, "5");
  EXPECT_FALSE(reader.NextItem());
  ASSERT_TRUE(reader.NextMember(&name, &value));
  EXPECT_EQ(value.text, "{}");
  EXPECT_FALSE(reader.NextMember(&name, &value));
  EXPECT_TRUE(reader.ok());
}

TEST(JsonTest, EntersOnlyWhatIsThere) {
  Value value;
  for (const std::string_view document : {"[1]", " 1", "\"a\"", ""}) {
    Reader reader(document);
    EXPECT_FALSE(reader.EnterObject());
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.offset(), 0U);
  }
  Reader reader(" [1]");
  EXPECT_FALSE(reader.EnterObject());
  ASSERT_TRUE(reader.EnterArray());
  EXPECT_TRUE(reader.NextElement(&value));
  EXPECT_EQ(value.text, "1");
  EXPECT_FALSE(reader.NextElement(&value));
  EXPECT_TRUE(reader.ok());
}

TEST(JsonTest, StopsAtAnErrorForGood) {
  Reader reader("{\"a\":1,\"b\":x,\"c\":3}");
  std::string_view name;
  Value value;
  ASSERT_TRUE(reader.EnterObject());
  EXPECT_TRUE(reader.NextMember(&name, &value));
  EXPECT_FALSE(reader.NextMember(&name, &value));
  EXPECT_FALSE(reader.NextMember(&name, &value));
  EXPECT_FALSE(reader.ok());
}

TEST(JsonTest, SkipsTheMembersThatAreLeft) {
  Reader reader(R"({"a":1,"b":{"c":[2]},"d":"e"} )");
  std::string_view name;
  Value value;
  ASSERT_TRUE(reader.EnterObject());
  ASSERT_TRUE(reader.NextMember(&name, &value));
  EXPECT_TRUE(reader.SkipMembers());
  EXPECT_EQ(reader.offset(), 30U);

  Reader at_an_error("{\"a\":x,\"b\":1}");
  ASSERT_TRUE(at_an_error.EnterObject());
  EXPECT_FALSE(at_an_error.NextMember(&name, &value));
  EXPECT_FALSE(at_an_error.SkipMembers());
}

TEST(JsonTest, TellsWhetherAStringThatWasReadHasEscapes) {
  Reader reader(R"({"a":"ä","b":"\n","c":1})");
  std::string_view name;
  Value value;
  ASSERT_TRUE(reader.EnterObject());
  ASSERT_TRUE(reader.NextMember(&name, &value));
  EXPECT_FALSE(reader.has_escapes());
  ASSERT_TRUE(reader.NextMember(&name, &value));
  EXPECT_TRUE(reader.has_escapes());
  EXPECT_TRUE(reader.SkipMembers());
  EXPECT_TRUE(reader.has_escapes());
}

// --- Strings -------------------------------------------------------------------------------------

TEST(JsonTest, ScansAStringRightWhereverItStands) {
  const std::string_view kSpecial[] = {"\"", "\\n", "\\", "\x1F", "\0"sv, "\x7F", "\x80", "ä", "€", "😀", "\xE2\x82"};
  for (const std::string_view special : kSpecial) {
    for (std::size_t before = 0; before <= 150; ++before) {
      for (const std::size_t after : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 62, 63, 64, 65}) {
        const std::string string = Concat({"\"", Repeat("x", before), special, Repeat("~", after), "\""});
        const bool is_json = SimpleValidator::IsJson(string);
        EXPECT_EQ(AskWhole(string).ok, is_json) << testing::PrintToString(string);
        const std::string among_others = Concat({"[\"\",", Repeat(" ", after), string, ",[", string, ", \"\"]]"});
        EXPECT_EQ(AskWhole(among_others).ok, is_json) << testing::PrintToString(among_others);
      }
    }
  }
}

TEST(JsonTest, MeansComparesAfterUnescaping) {
  EXPECT_TRUE(Means(R"("abc")", "abc"));
  EXPECT_TRUE(Means(R"("a\u0062c")", "abc"));
  EXPECT_TRUE(Means(R"("\u0061\u0062\u0063")", "abc"));
  EXPECT_TRUE(Means(R"("\ud83d\ude00\/")", "😀/"));
  EXPECT_TRUE(Means(R"("\u0000")", "\0"sv));
  EXPECT_TRUE(Means(R"("")", ""));
  for (const std::string_view text : {R"("ab")", R"("abcd")", R"("a\u0062")", R"("a\u0062cd")", R"("a\u0062d")",
                                      R"("")", R"("\u0061bcd")", R"("ab\u0063\u0000")", R"("\\abc")"}) {
    EXPECT_FALSE(Means(text, "abc")) << text;
  }
}

TEST(JsonTest, UnescapesWithinTheCapacity) {
  constexpr struct {
    std::string_view text, meaning;
  } kTable[] = {
      {R"("")", ""},
      {R"("abc")", "abc"},
      {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
      {R"("a\u0000b")", "a\0b"sv},
      {R"("\u007f\u0080\u07ff\u0800\uffff")", "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"},
      {R"("\ud800\udc00\uDBFF\uDFFF")", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
      {R"("ä\u00e4€😀")", "ää€😀"},
      {R"("\\u0041")", "\\u0041"},
  };
  for (const auto& [text, meaning] : kTable) {
    EXPECT_EQ(Unescape(text), meaning);
    EXPECT_TRUE(Means(text, meaning)) << text;
    for (std::size_t capacity = 0; capacity <= meaning.size() + 1; ++capacity) {
      const auto buffer = std::make_unique<char[]>(capacity);
      const auto size = Unescape(text, buffer.get(), capacity);
      EXPECT_EQ(size.has_value(), capacity >= meaning.size()) << text;
      if (size) {
        EXPECT_EQ(std::string_view(buffer.get(), *size), meaning);
      }
    }
  }
}

TEST(JsonTest, QuotesWhatItUnescapesToItself) {
  std::string all;
  for (int c = 0; c < 0x80; ++c) all += static_cast<char>(c);
  for (const std::string& bytes : {all, ""s, "äöü€😀"s, "a\"b\\c"s, "\0\x1F\x7F"s, std::string(100, '\\')}) {
    std::string quoted = "before";
    AppendQuoted(bytes, &quoted);
    ASSERT_TRUE(quoted.starts_with("before\""));
    quoted.erase(0, 6);
    EXPECT_TRUE(Accepts(quoted)) << quoted;
    EXPECT_EQ(Unescape(quoted), bytes);
  }
}

// --- Everything at once --------------------------------------------------------------------------

const std::string kDocuments[] = {
    R"({"topic":"sensors/1","event_id":"3f\u0061-\ud83d\ude00","timestamp":"2026-01-31T23:59:59Z",)"
    R"("payload":{"t":-12.5e-3,"list":[1,2,[],{},"größe",true,false,null]}})",
    R"([{"a":{"b":{"c":[[[[0]]]]}}},"\"\\\/\b\f\n\r\t",-0.0E+10,"日本語 😀 текст", ""])",
    " { \"a\" : [ 1 , 2 ] ,\n\t\"b\" : \"\" }\r\n",
};

TEST(JsonTest, NoPrefixOfADocumentIsADocument) {
  for (const std::string& document : kDocuments) {
    const std::size_t size = document.find_last_of("]}") + 1;
    EXPECT_TRUE(Accepts(document.substr(0, size)));
    for (std::size_t cut = 0; cut < size; ++cut) EXPECT_FALSE(Accepts(document.substr(0, cut))) << cut;
  }
}

TEST(JsonTest, AgreesWithASimpleValidatorOnMutatedDocuments) {
  constexpr unsigned kSeed = 20'260'131;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  const auto below = [&](std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random); };
  constexpr std::string_view kTelling =
      "{}[],:\"\\/ubfnrtDdc0189-+.eE \t\n\x1F\x7F\x80\xBF\xC3\xA4\xE2\xED\xA0\xF0\x9F\xF4";
  int accepted = 0;
  for (int round = 0; round < 40'000; ++round) {
    std::string document = kDocuments[below(std::size(kDocuments))];
    for (std::size_t edits = 1 + below(3); edits != 0; --edits) {
      const std::size_t at = below(document.size());
      const char byte = below(4) == 0 ? static_cast<char>(below(256)) : kTelling[below(kTelling.size())];
      switch (below(4)) {
        case 0:
          document.erase(at, 1 + below(3));
          break;
        case 1:
          document.insert(at, 1, byte);
          break;
        case 2:
          document.insert(at, document.substr(below(document.size()), below(8)));
          break;
        default:
          document[at] = byte;
      }
    }
    const bool accepts = Accepts(document);
    if (HasFailure()) break;
    accepted += accepts ? 1 : 0;
  }
  EXPECT_GT(accepted, 1000) << "mutations that leave JSON must be among them";
}

TEST(MayMentionTest, FindsTheNameWhereverItStands) {
  constexpr std::string_view kName = "event_id";
  for (std::size_t size = 0; size <= 80; ++size) {
    const std::string without(size, 'e');
    const bool long_enough = size >= 40;  // to look at all
    EXPECT_FALSE(long_enough && MayMention(without, kName)) << size;
    for (std::size_t at = 0; at + kName.size() <= size; ++at) {
      std::string with = without;
      with.replace(at, kName.size(), kName);
      EXPECT_TRUE(MayMention(with, kName)) << size << " " << at;
      with[at + 3] = 'x';
      EXPECT_FALSE(long_enough && MayMention(with, kName)) << size << " " << at;
    }
    for (std::size_t at = 0; at < size; ++at) {
      std::string with = without;
      with[at] = '\\';
      EXPECT_TRUE(MayMention(with, kName)) << "an escape may mean anything " << size << " " << at;
    }
  }
}

TEST(MayMentionTest, TakesNamesOfAnySize) {
  const std::string document = "{\"x\":\"" + std::string(100, 'y') + "\"}";
  EXPECT_TRUE(MayMention(document, ""));
  EXPECT_TRUE(MayMention(document, "x"));
  EXPECT_FALSE(MayMention(document, "z"));
  EXPECT_TRUE(MayMention(document, std::string(60, 'y')));
  EXPECT_FALSE(MayMention(document, std::string(60, 'z')));
  EXPECT_TRUE(MayMention(document, std::string(200, 'z'))) << "too long to look";
}

}  // namespace
}  // namespace dedup::json
