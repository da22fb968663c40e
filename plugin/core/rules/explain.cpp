#include "plugin/core/rules/explain.h"

#include <string_view>

namespace dedup {
namespace {

std::string_view NameOf(KeyPart::Type type) {
  switch (type) {
    case KeyPart::Type::kMissing:
      return "missing";
    case KeyPart::Type::kString:
      return "string";
    case KeyPart::Type::kNumber:
      return "number";
    case KeyPart::Type::kBoolean:
      return "boolean";
    case KeyPart::Type::kPayload:
    case KeyPart::Type::kDigest:
      return "payload";
  }
  return "";
}

// What does not count as a value.
std::string_view NameOf(json::Kind kind) {
  switch (kind) {
    case json::Kind::kObject:
      return "an object";
    case json::Kind::kArray:
      return "an array";
    case json::Kind::kString:
      return "an empty text";
    default:
      return "null";
  }
}

}  // namespace

class Explainer {
 public:
  explicit Explainer(KeyFinder& finder) : finder_(finder) {}

  Explanation Explain(const Publish& publish) {
    Explanation explanation;
    const std::vector<RuleCounts> counts = finder_.counts_;
    explanation.finding = finder_.Find(publish);
    finder_.counts_ = counts;
    const Finding& finding = explanation.finding;
    for (const Candidates::Rule& rule : finder_.candidates_->rules) {
      // As Find does it: only the first rule that observes is asked on.
      const bool is_behind_observed = finding.observed && rule.observes && rule.number > finding.observed->rule;
      if (is_behind_observed) continue;
      explanation.asked.push_back(Ask(rule));
      if (finding.status == FindStatus::kKey && finding.key.rule == rule.number) break;
    }
    const std::size_t number = finder_.rules_.default_number();
    const bool is_decided = finding.status == FindStatus::kKey && finding.key.rule != number;
    if (finder_.candidates_->has_default && !is_decided) explanation.asked.push_back(AskDefault(finding));
    explanation.payload_note = PayloadNote();
    return explanation;
  }

 private:
  Explanation::Asked Ask(const Candidates::Rule& candidate) {
    const Rule& rule = finder_.rules_.rules[candidate.number];
    Explanation::Asked asked;
    asked.rule = rule.name;
    asked.observes = candidate.observes;
    asked.scope = finder_.ScopeOf(rule);
    asked.parts.resize(rule.key.size());
    KeyFinder::Parts parts;
    parts.count = rule.key.size();
    for (const Candidates::Part& part : finder_.candidates_->PartsOf(candidate)) {
      Explanation::Part& told = asked.parts[part.number];
      told.part = dedup::TextOf(rule.key[part.number]);
      KeyPart& value = parts.values[part.number];
      const Candidates::Source* source = nullptr;
      const PartReader::State state = finder_.reader_.Take(candidate, part, &value, &source);
      if (source != nullptr) told.source = dedup::TextOf(SourceOf(rule, part, *source));
      told.found = state == PartReader::State::kInDoubt   ? "in doubt"
                   : state == PartReader::State::kMissing ? "missing"
                                                          : NameOf(value.type);
      if (state == PartReader::State::kThere) continue;
      if (!asked.why_not.empty()) asked.why_not += "; ";
      asked.why_not += told.part;
      asked.why_not += state == PartReader::State::kMissing ? MissingAbout(rule, part) : DoubtAbout(*source);
    }
    asked.makes_key = asked.why_not.empty();
    const KeyHash hash = asked.makes_key ? finder_.HashOf(candidate.number, parts) : KeyHash{};
    for (std::size_t i = 0; i < asked.parts.size(); ++i) {
      if (asked.parts[i].source.empty() || asked.parts[i].found == "in doubt") continue;
      asked.parts[i].text = KeyText({&parts.values[i], 1}, hash, finder_.secret_, finder_.decided_text_);
    }
    if (asked.makes_key) asked.key_text = finder_.TextOf({candidate.number, hash}, parts, finder_.decided_text_);
    return asked;
  }

  // Something may stand there that does not count.
  std::string MissingAbout(const Rule& rule, const Candidates::Part& part) const {
    for (const Candidates::Source& source : finder_.candidates_->SourcesOf(part)) {
      if (source.kind == Source::Kind::kPointer) {
        const PointerScan::Found found = finder_.reader_.json()->At(source.place);
        if (found.state != PointerScan::State::kValue) continue;
        return " is missing: " + std::string(NameOf(found.kind)) + " stands at " +
               dedup::TextOf(SourceOf(rule, part, source)) + ", where a text, a number, true or false would count";
      }
      if (source.kind == Source::Kind::kPayload && !rule.ignored_members.empty()) {
        return " is missing: the rule has members to ignore, and the payload is no JSON";
      }
    }
    return " is missing";
  }

  static std::string DoubtAbout(const Candidates::Source& source) {
    if (source.kind != Source::Kind::kPayload) return " is in doubt: an object on the way to it has a member twice";
    return " is in doubt: an object has a member twice, or there are more than " +
           std::to_string(PayloadDigest::kNamesMax) + " members";
  }

  // The one of the rule's sources that the candidate's was made of.
  const Source& SourceOf(const Rule& rule, const Candidates::Part& part, const Candidates::Source& source) const {
    const auto place = static_cast<std::size_t>(&source - finder_.candidates_->SourcesOf(part).data());
    return rule.key[part.number].sources[place];
  }

  Explanation::Asked AskDefault(const Finding& finding) {
    const DefaultRule& rule = *finder_.rules_.default_rule;
    Explanation::Asked asked;
    asked.rule = kDefaultRuleName;
    asked.scope = finder_.topic_;
    asked.makes_key = finding.status == FindStatus::kKey;
    Explanation::Part part;
    part.part = "property:" + rule.id_property + "|" + JsonPointerText({rule.id_member});
    if (asked.makes_key) {
      asked.key_text = finder_.KeyTextOf(finding);
      part.source = finder_.id_in_property_ ? "property:" + rule.id_property : JsonPointerText({rule.id_member});
      part.found = "string";
      part.text = asked.key_text;
    } else {
      part.found = "missing";
      asked.why_not = finding.reason == InvalidReason::kUnusableId
                          ? "the id is there, but it is no string of 1 to " + std::to_string(kEventIdBytesMax) +
                                " bytes and no integer"
                      : finding.reason == InvalidReason::kBrokenJson
                          ? "the payload names " + rule.id_member + ", but is no valid JSON object"
                          : part.part + " is missing";
    }
    asked.parts.push_back(std::move(part));
    return asked;
  }

  std::string PayloadNote() const {
    const PointerScan* const json = finder_.reader_.json();
    const FieldScan* const fields = finder_.reader_.fields();
    std::string note;
    if (json != nullptr && !json->is_json()) {
      note =
          "the payload is no JSON: " + std::string(json->reason()) + ", at byte " + std::to_string(json->offset() + 1);
    }
    if (fields != nullptr && !fields->is_message()) {
      note += note.empty() ? "the payload is no protobuf message" : "; it is no protobuf message either";
    }
    return note;
  }

  KeyFinder& finder_;
};

Explanation Explain(KeyFinder& finder, const Publish& publish) { return Explainer(finder).Explain(publish); }

}  // namespace dedup
