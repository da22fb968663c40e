#include "plugin/core/rules/key_finder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "plugin/core/rules/key_words.h"

namespace dedup {
namespace {

constexpr std::uint64_t kKeyVersion = 1;

// Each level that does not count may be empty, and is then one byte longer.
constexpr std::size_t kScopeBytesMax = TopicRules::kTopicBytesMax + kIgnoredLevelsMax;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// All that is the same for each key of the rule.
SipHash128 BeginningOf(const Rule& rule, const HashSecret& secret) {
  SipHash128 hash(secret);
  const std::string definition = DefinitionOf(rule);
  hash.Add(FirstWord(HashUse::kRuleKey, kKeyVersion << 48 | rule.name.size()));
  hash.Add(rule.name);
  hash.Add(definition.size());
  hash.Add(definition);
  return hash;
}

std::uint64_t TopicSeed(const HashSecret& secret) {
  SipHash128 hash(secret);
  hash.Add(FirstWord(HashUse::kTopics));
  return hash.Finish().low;
}

// Whether a payload that is no JSON was meant to be an object with that member.
bool NamesMember(std::string_view payload, const std::string& member) {
  if (payload.starts_with(kByteOrderMark)) payload.remove_prefix(kByteOrderMark.size());
  const std::size_t begin = payload.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || payload[begin] != '{') return false;
  for (std::size_t at = payload.find(member); at != std::string_view::npos; at = payload.find(member, at + 1)) {
    if (at != 0 && payload[at - 1] == '"' && payload.substr(at + member.size()).starts_with('"')) return true;
  }
  return false;
}

}  // namespace

KeyFinder::KeyFinder(RuleSet rules, const HashSecret& secret)
    : rules_(std::move(rules)),
      default_number_(static_cast<std::uint16_t>(rules_.default_number())),
      secret_(secret),
      counts_(rules_.rules.size() + 1),
      topic_rules_(rules_, TopicSeed(secret)),
      reader_(rules_, secret),
      scope_(std::make_unique_for_overwrite<char[]>(kScopeBytesMax)) {
  for (const Rule& rule : rules_.rules) beginnings_.push_back(BeginningOf(rule, secret));
}

// The rules of the file.
void KeyFinder::FindInFile(const Publish& publish, const LikelyKey& likely, Finding* finding) {
  reader_.Begin(publish, *candidates_);
  for (const Candidates::Rule& rule : candidates_->rules) {
    if (rule.observes && finding->observed) continue;
    ++counts_[rule.number].matched;
    Parts& parts = rule.observes ? observed_ : decided_;
    if (!TakeParts(rule, &parts)) continue;
    ++counts_[rule.number].keyed;
    const FoundKey key = {rule.number, HashOf(rule.number, parts)};
    if (rule.observes) {
      finding->observed = key;
      continue;
    }
    likely(key.hash);
    finding->status = FindStatus::kKey;
    finding->key = key;
    return;
  }
}

bool KeyFinder::TakeParts(const Candidates::Rule& rule, Parts* parts) {
  for (const Candidates::Part& part : candidates_->PartsOf(rule)) {
    const Candidates::Source* source;
    if (reader_.Take(rule, part, &parts->values[part.number], &source) != PartReader::State::kThere) return false;
  }
  parts->count = rule.part_count;
  return true;
}

KeyHash KeyFinder::HashOf(std::uint16_t rule, const Parts& parts) {
  SipHash128 hash = beginnings_[rule];
  const std::string_view scope = ScopeOf(rules_.rules[rule]);
  hash.Add(scope.size());
  hash.Add(scope);
  for (const KeyPart& part : parts.all()) hash = WithPart(hash, part);
  return hash.Finish();
}

std::string_view KeyFinder::ScopeOf(const Rule& rule) {
  if (rule.ignores_all_levels) return "#";
  if (rule.ignored_levels.empty()) return topic_;
  const auto levels = static_cast<int>(std::ranges::count(topic_, '/')) + 1;
  const auto is_ignored = [&](int level) {
    return std::ranges::any_of(rule.ignored_levels,
                               [&](int ignored) { return level == (ignored > 0 ? ignored : levels + 1 + ignored); });
  };
  char* out = scope_.get();
  std::size_t begin = 0;
  for (int level = 1;; ++level) {
    const std::size_t end = std::min(topic_.find('/', begin), topic_.size());
    if (is_ignored(level)) {
      *out++ = '+';
    } else {
      std::memcpy(out, topic_.data() + begin, end - begin);
      out += end - begin;
    }
    if (end == topic_.size()) return {scope_.get(), static_cast<std::size_t>(out - scope_.get())};
    *out++ = '/';
    begin = end + 1;
  }
}

// The rule of the options: an id in a user property, or else in the payload's member. One in a property that cannot be
// used does not hide a good one in the payload.
void KeyFinder::FindDefault(const Publish& publish, const LikelyKey& likely, Finding* finding) {
  RuleCounts& counts = counts_[default_number_];
  ++counts.matched;
  finding->key.rule = default_number_;
  const auto hash = [&](const EventId& id) {
    if (id.status != EventIdStatus::kFound) return;
    finding->key.hash = HashKey(secret_, publish.topic, id.text);
    likely(finding->key.hash);
  };
  EventId id;
  bool is_broken = false;
  const auto property =
      std::ranges::find(publish.user_properties, rules_.default_rule->id_property, &UserProperty::name);
  if (property != publish.user_properties.end()) {
    id = CheckEventId(property->value);
    hash(id);
  }
  id_in_property_ = id.status == EventIdStatus::kFound;
  if (!id_in_property_) {
    const EventId member = FindMember(publish.payload, hash, &is_broken);
    if (member.status != EventIdStatus::kNone) id = member;
  }
  if (id.status == EventIdStatus::kFound) {
    ++counts.keyed;
    finding->status = FindStatus::kKey;
    event_id_ = id.text;
  } else if (id.status == EventIdStatus::kInvalid || is_broken) {
    finding->status = FindStatus::kInvalid;
    finding->reason = is_broken ? InvalidReason::kBrokenJson : InvalidReason::kUnusableId;
  }
}

// Calls hash(id) for the id that will most likely be found.
template <class Hash>
EventId KeyFinder::FindMember(std::string_view payload, const Hash& hash, bool* is_broken) {
  const std::string& name = rules_.default_rule->id_member;
  const bool may_be_read = !candidates_->rules.empty() && candidates_->id_member != PointerTree::kNone;
  const PointerScan* const json = may_be_read ? reader_.json() : nullptr;
  EventId id;
  bool may_be_broken;
  if (json != nullptr) {
    const PointerScan::Found found = json->At(candidates_->id_member);
    if (json->is_object() && found.state != PointerScan::State::kNothing) {
      id = EventIdOf({found.kind, found.text}, found.has_escapes, id_buffer_);
      hash(id);
    }
    may_be_broken = !json->is_json();
  } else {
    EventIdSearch search(payload, name, id_buffer_);
    hash(search.candidate());
    id = search.Finish();
    may_be_broken = search.is_broken();
  }
  if (id.status != EventIdStatus::kNone) return id;
  may_be_broken |= !payload.empty() && payload.front() == kByteOrderMark.front();
  if (may_be_broken) *is_broken = NamesMember(payload, name);
  return id;
}

std::string_view KeyFinder::ObservedTextOf(const Finding& finding) {
  return TextOf(*finding.observed, observed_, observed_text_);
}

std::string_view KeyFinder::TextOf(const FoundKey& key, const Parts& parts, KeyTextBuffer& buffer) {
  if (parts.count != 0) return KeyText(parts.all(), key.hash, secret_, buffer);
  KeyPart scope;
  scope.type = KeyPart::Type::kString;
  scope.text = ScopeOf(rules_.rules[key.rule]);
  return KeyText({&scope, 1}, key.hash, secret_, buffer);
}

}  // namespace dedup
