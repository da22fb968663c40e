// A rule: for some topics, what makes an event's key, in which scope, and for how long it is remembered.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/text/json_pointer.h"

namespace dedup {

// What a rules file may hold at most; the message that refuses more says so.
inline constexpr std::size_t kRulesMax = 1000;
inline constexpr std::size_t kRuleTopicsMax = 64;
inline constexpr std::size_t kKeyPartsMax = 16;
inline constexpr std::size_t kAlternativesMax = 8;
inline constexpr std::size_t kIgnoredMembersMax = 64;
inline constexpr std::size_t kIgnoredLevelsMax = 32;
inline constexpr int kTopicLevelMax = 200;  // ±, in ignore_levels
inline constexpr std::size_t kPointerBytesMax = 1024;
inline constexpr std::size_t kPointerTokensMax = 32;
inline constexpr std::size_t kPropertyNameBytesMax = 256;
inline constexpr std::size_t kFieldPathMax = 16;
/// Windows that differ, the plugin's own among them.
inline constexpr std::size_t kWindowsMax = 32;
inline constexpr std::chrono::milliseconds kWindowMin{100};
/// A window without an end.
inline constexpr std::chrono::milliseconds kForever = std::chrono::milliseconds::max();

/// One place where a part of a key may stand.
struct Source {
  enum class Kind : std::uint8_t {
    kPointer,   ///< a value of the JSON payload: `/a/b`
    kProperty,  ///< an MQTT v5 user property, the first of its name: `property:NAME`
    kField,     ///< a field of the protobuf payload: `pb:1.6`
    kPayload,   ///< the payload's bytes, or its JSON value without the ignored members: `payload`
    kClient,    ///< the publisher's client id: `client`
    kUsername,  ///< the publisher's user name: `username`
  };
  Kind kind = Kind::kPayload;
  JsonPointer pointer;                ///< kPointer
  std::string property;               ///< kProperty
  std::vector<std::uint32_t> fields;  ///< kField: the numbers on the way

  friend bool operator==(const Source&, const Source&) = default;
};

/// A part of a key: the first of its sources that is there.
struct Part {
  bool optional = false;  ///< it may be missing, and that is a value too
  std::vector<Source> sources;

  friend bool operator==(const Part&, const Part&) = default;
};

enum class RuleMode : std::uint8_t {
  kDrop,     ///< repeated events are not handed on
  kObserve,  ///< nothing is touched; what would be a duplicate is counted
};

enum class RuleStore : std::uint8_t {
  kEvent,  ///< the row has the payload
  kId,     ///< the row has topic, key and times only
};

struct Rule {
  std::string name;
  std::vector<std::string> topics;  ///< MQTT filters, one at least
  std::vector<Part> key;            ///< none: the topic alone
  bool ignores_all_levels = false;
  std::vector<int> ignored_levels;                  ///< 1, 2 … from the front, -1, -2 … from the end; ascending
  std::vector<JsonPointer> ignored_members;         ///< of `payload`; ascending
  std::optional<std::chrono::milliseconds> window;  ///< kForever, or nothing: the plugin's
  RuleMode mode = RuleMode::kDrop;
  RuleStore store = RuleStore::kEvent;

  bool HasPart(Source::Kind kind) const;
  /// Whether every message on the rule's topics has all parts, so that no later rule gets it.
  bool AlwaysMakesKey() const;
};

/// The rule that the options `topics`, `id_property` and `id_member` make: an id as design's "What an event is" has it.
struct DefaultRule {
  std::vector<std::string> topics = {"#"};
  std::string id_property = "event_id";
  std::string id_member = "event_id";
};

/// A rule's key in the rules file's words: `?`, then the sources with `|` between them.
std::string TextOf(const Source& source);
std::string TextOf(const Part& part);
/// All that decides what the rule's keys are made of: a text that two rules share only if key, ignore and
/// ignore_levels say the same.
std::string DefinitionOf(const Rule& rule);

/// Whether what the first rule has remembered holds for the second one, as after a reload.
bool ShareKeys(const Rule& a, const Rule& b);

/// Reads a part in the rules file's words. Nothing when it is malformed; `problem` says what is wrong, what is
/// expected.
std::optional<Part> ParsePart(std::string_view text, std::string* problem);

}  // namespace dedup
