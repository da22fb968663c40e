// A publish becomes a key: the first rule that has its topic and finds all its parts. The hot path of the rules.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/event/event_id.h"
#include "plugin/core/event/key.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/event/sip_hash.h"
#include "plugin/core/rules/key_part.h"
#include "plugin/core/rules/part_reader.h"
#include "plugin/core/rules/rule_set.h"
#include "plugin/core/rules/topic_rules.h"

namespace dedup {

/// A key that a rule has made.
struct FoundKey {
  std::uint16_t rule = 0;  ///< its number in the RuleSet
  KeyHash hash{};
};

enum class FindStatus : std::uint8_t {
  kNone,     ///< no rule makes a key: the publish passes untouched
  kKey,      ///< one does
  kInvalid,  ///< as kNone, but what would be the default rule's id is there and cannot be used
};

enum class InvalidReason : std::uint8_t {
  kNone,
  kUnusableId,  ///< empty, longer than kEventIdBytesMax, or of another type
  kBrokenJson,  ///< the payload names the id's member, but is no JSON (NaN, a byte order mark, a NUL at its end …)
};

struct Finding {
  FindStatus status = FindStatus::kNone;
  InvalidReason reason = InvalidReason::kNone;  ///< with kInvalid
  FoundKey key;                                 ///< with kKey
  std::optional<FoundKey> observed;             ///< a key of a rule that only observes, whatever the status is
};

/// How many publishes have come to a rule, and of how many it has made a key. A rule behind the one that made the key
/// is not asked.
struct RuleCounts {
  std::uint64_t matched = 0;
  std::uint64_t keyed = 0;
};

/// Applies a RuleSet to publishes.
///
/// Rule by rule, in their order, the default one last. A rule whose mode is `observe` does not decide: the first of
/// those that makes a key, before a rule does that decides, is told beside the decision. So to observe changes nothing.
///
/// A rule's key is the keyed hash of its name and definition, of the scope, and of all parts with their types and
/// sizes. The scope is the topic with "+" in place of each level that does not count, or "#" where none does: no topic
/// has such levels, so topics of different depth do not meet. The default rule's key is HashKey(secret, topic, id).
///
/// Find neither allocates nor calls the system, but for topics that were not seen lately.
/// Threading: one thread. Errors: std::bad_alloc, from the constructor and for such topics. Views that are returned
/// point into the publish or in here, and hold until the next Find.
class KeyFinder {
 public:
  KeyFinder(RuleSet rules, const HashSecret& secret);
  KeyFinder(const KeyFinder&) = delete;  // its parts refer to each other
  KeyFinder& operator=(const KeyFinder&) = delete;

  const RuleSet& rules() const { return rules_; }
  /// Of a rule, by its number.
  const RuleCounts& counts(std::size_t rule) const { return counts_[rule]; }

  Finding Find(const Publish& publish) {
    return Find(publish, [](const KeyHash&) {});
  }
  /// Calls on_likely_key(hash) as soon as a key is likely, so that what it is looked up in can be on its way from
  /// memory while the rest of the payload is read.
  template <class OnLikelyKey>
  Finding Find(const Publish& publish, OnLikelyKey on_likely_key) {
    const LikelyKey likely = {&on_likely_key,
                              [](void* body, const KeyHash& hash) { (*static_cast<OnLikelyKey*>(body))(hash); }};
    topic_ = publish.topic;
    // Not from the copy: a processor waits for one that is read in one piece and was written in two.
    candidates_ = &topic_rules_.Of(publish.topic);
    Finding finding;
    if (!candidates_->rules.empty()) FindInFile(publish, likely, &finding);
    if (candidates_->has_default && finding.status == FindStatus::kNone) FindDefault(publish, likely, &finding);
    return finding;
  }

  /// Of the last Find, 1 to kKeyTextBytesMax bytes for people: the default rule's id itself; a rule's parts (KeyText),
  /// or the scope where it has none.
  std::string_view KeyTextOf(const Finding& finding) {  ///< with kKey
    return finding.key.rule == default_number_ ? event_id_ : TextOf(finding.key, decided_, decided_text_);
  }
  std::string_view ObservedTextOf(const Finding& finding);  ///< with `observed`

 private:
  friend class Explainer;

  struct LikelyKey {
    void* body;
    void (*call)(void* body, const KeyHash& hash);
    void operator()(const KeyHash& hash) const { call(body, hash); }
  };
  struct Parts {
    std::size_t count = 0;
    std::array<KeyPart, kKeyPartsMax> values;
    std::span<const KeyPart> all() const { return std::span(values).first(count); }
  };

  void FindInFile(const Publish& publish, const LikelyKey& likely, Finding* finding);
  bool TakeParts(const Candidates::Rule& rule, Parts* parts);
  KeyHash HashOf(std::uint16_t rule, const Parts& parts);
  std::string_view ScopeOf(const Rule& rule);
  void FindDefault(const Publish& publish, const LikelyKey& likely, Finding* finding);
  template <class Hash>
  EventId FindMember(std::string_view payload, const Hash& hash, bool* is_broken);
  std::string_view TextOf(const FoundKey& key, const Parts& parts, KeyTextBuffer& buffer);

  const RuleSet rules_;
  const std::uint16_t default_number_;
  const HashSecret secret_;
  std::vector<RuleCounts> counts_;
  // Of the last publish; here, so that what each one needs lies together.
  std::string_view topic_;
  const Candidates* candidates_ = nullptr;
  std::string_view event_id_;  // with a key of the default rule
  bool id_in_property_ = false;

  TopicRules topic_rules_;
  std::vector<SipHash128> beginnings_;  // of each rule's keys: name and definition
  PartReader reader_;
  const std::unique_ptr<char[]> scope_;
  // Of the last publish, too.
  Parts decided_;
  Parts observed_;
  EventIdBuffer id_buffer_;
  KeyTextBuffer decided_text_;
  KeyTextBuffer observed_text_;
};

}  // namespace dedup
