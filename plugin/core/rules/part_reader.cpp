#include "plugin/core/rules/part_reader.h"

#include <algorithm>

#include "plugin/core/rules/key_words.h"

namespace dedup {
namespace {

PartReader::State TakeText(KeyPart::Type type, std::string_view text, KeyPart* value) {
  if (text.empty()) return PartReader::State::kMissing;
  value->type = type;
  value->has_escapes = false;
  value->text = text;
  return PartReader::State::kThere;
}

SipHash128 DigestSeed(const HashSecret& secret) {
  SipHash128 hash(secret);
  hash.Add(FirstWord(HashUse::kDigest));
  return hash;
}

}  // namespace

PartReader::PartReader(const RuleSet& set, const HashSecret& secret) : digest_seed_(DigestSeed(secret)) {
  for (const Rule& rule : set.rules) {
    ignored_.emplace_back();
    if (rule.ignored_members.empty()) continue;
    ignored_.back().emplace(rule.ignored_members);
    if (!digest_) digest_.emplace();
  }
}

void PartReader::Begin(const Publish& publish, const Candidates& candidates) {
  publish_ = &publish;
  candidates_ = &candidates;
  json_read_ = fields_read_ = properties_read_ = false;
  json_.Reserve(candidates.pointers.size());
  fields_.Reserve(candidates.fields.size());
  if (properties_.size() < candidates.properties.size()) properties_.resize(candidates.properties.size());
}

PartReader::State PartReader::Take(const Candidates::Rule& rule, const Candidates::Part& part, KeyPart* value,
                                   const Candidates::Source** source) {
  for (const Candidates::Source& candidate : candidates_->SourcesOf(part)) {
    const State state = TakeSource(rule, candidate, value);
    if (state == State::kMissing) continue;
    *source = &candidate;
    return state;
  }
  *source = nullptr;
  if (!part.optional) return State::kMissing;
  value->type = KeyPart::Type::kMissing;
  value->has_escapes = false;
  value->text = {};
  return State::kThere;
}

PartReader::State PartReader::TakeSource(const Candidates::Rule& rule, const Candidates::Source& source,
                                         KeyPart* value) {
  switch (source.kind) {
    case Source::Kind::kPointer:
      return TakePointer(source.place, value);
    case Source::Kind::kField:
      return TakeField(source.place, value);
    case Source::Kind::kProperty:
      return TakeProperty(source.place, value);
    case Source::Kind::kClient:
      return TakeText(KeyPart::Type::kString, publish_->client_id, value);
    case Source::Kind::kUsername:
      return TakeText(KeyPart::Type::kString, publish_->username, value);
    case Source::Kind::kPayload:
      return TakePayload(rule, value);
  }
  return State::kMissing;
}

PartReader::State PartReader::TakePointer(PointerTree::Node node, KeyPart* value) {
  if (!json_read_) {
    json_.Run(candidates_->pointers, publish_->payload);
    json_read_ = true;
  }
  const PointerScan::Found found = json_.At(node);
  if (found.state != PointerScan::State::kValue) {
    return found.state == PointerScan::State::kNothing ? State::kMissing : State::kInDoubt;
  }
  switch (found.kind) {
    case json::Kind::kString: {
      const std::string_view inner = json::Inner(found.text);
      if (!found.has_escapes || inner.find('\\') == std::string_view::npos) {
        return TakeText(KeyPart::Type::kString, inner, value);
      }
      value->type = KeyPart::Type::kString;
      value->has_escapes = true;
      value->text = found.text;
      return State::kThere;
    }
    case json::Kind::kNumber:
      return TakeText(KeyPart::Type::kNumber, found.text, value);
    case json::Kind::kTrue:
    case json::Kind::kFalse:
      return TakeText(KeyPart::Type::kBoolean, found.text, value);
    case json::Kind::kObject:
    case json::Kind::kArray:
    case json::Kind::kNull:
      break;
  }
  return State::kMissing;
}

PartReader::State PartReader::TakeField(PointerTree::Node node, KeyPart* value) {
  if (!fields_read_) {
    fields_.Run(candidates_->fields, publish_->payload);
    fields_read_ = true;
  }
  const FieldScan::Found found = fields_.At(node);
  const bool is_number = found.kind == FieldScan::Kind::kNumber;
  return TakeText(is_number ? KeyPart::Type::kNumber : KeyPart::Type::kString, found.text, value);
}

PartReader::State PartReader::TakeProperty(std::uint32_t number, KeyPart* value) {
  if (!properties_read_) ReadProperties();
  return TakeText(KeyPart::Type::kString, properties_[number].value_or(std::string_view{}), value);
}

// All that the rules ask for at once, so that many properties, or many rules, are not looked through again and again.
void PartReader::ReadProperties() {
  properties_read_ = true;
  const auto& names = candidates_->properties;
  std::fill_n(properties_.begin(), names.size(), std::nullopt);
  for (const UserProperty& property : publish_->user_properties) {
    const auto name = std::ranges::lower_bound(names, property.name);
    if (name == names.end() || *name != property.name) continue;
    auto& value = properties_[static_cast<std::size_t>(name - names.begin())];
    if (!value) value = property.value;
  }
}

PartReader::State PartReader::TakePayload(const Candidates::Rule& rule, KeyPart* value) {
  const auto& ignored = ignored_[rule.number];
  if (!ignored) return TakeText(KeyPart::Type::kPayload, publish_->payload, value);
  const PayloadDigest::Status status = digest_->Make(publish_->payload, *ignored, digest_seed_);
  if (status != PayloadDigest::Status::kMade) {
    return status == PayloadDigest::Status::kNotJson ? State::kMissing : State::kInDoubt;
  }
  value->type = KeyPart::Type::kDigest;
  value->has_escapes = false;
  value->text = {};
  std::ranges::copy(digest_->digest().lanes, value->digest.begin());
  return State::kThere;
}

}  // namespace dedup
