#include "plugin/core/rules/candidates.h"

#include <algorithm>
#include <string>
#include <utility>

namespace dedup {
namespace {

JsonPointer TokensOf(const std::vector<std::uint32_t>& fields) {
  JsonPointer tokens;
  for (const std::uint32_t field : fields) tokens.push_back(std::to_string(field));
  return tokens;
}

// A payload that must be hashed costs more than all else, so it comes last: most often another part is missing.
bool ReadsWholePayload(const Part& part) {
  return std::ranges::find(part.sources, Source::Kind::kPayload, &Source::kind) != part.sources.end();
}

}  // namespace

Candidates::Candidates(const RuleSet& set, std::span<const std::uint16_t> numbers) {
  has_default = !numbers.empty() && numbers.back() == set.default_number();
  if (has_default) numbers = numbers.first(numbers.size() - 1);

  std::vector<JsonPointer> all_pointers;
  std::vector<JsonPointer> all_fields;
  const auto for_each_source = [&](const auto& body) {
    for (const std::uint16_t number : numbers) {
      for (const dedup::Part& part : set.rules[number].key) std::ranges::for_each(part.sources, body);
    }
  };
  for_each_source([&](const dedup::Source& source) {
    if (source.kind == dedup::Source::Kind::kPointer) all_pointers.push_back(source.pointer);
    if (source.kind == dedup::Source::Kind::kField) all_fields.push_back(TokensOf(source.fields));
    if (source.kind == dedup::Source::Kind::kProperty) properties.push_back(source.property);
  });
  // Where the payload is read for a rule of the file, the default rule need not read it once more.
  const bool reads_json = has_default && !all_pointers.empty();
  if (reads_json) all_pointers.push_back({set.default_rule->id_member});
  pointers = PointerTree(std::move(all_pointers));
  fields = PointerTree(std::move(all_fields));
  std::ranges::sort(properties);
  properties.erase(std::unique(properties.begin(), properties.end()), properties.end());
  if (reads_json) id_member = pointers.Find({set.default_rule->id_member});

  const auto place_of = [this](const dedup::Source& source) -> std::uint32_t {
    switch (source.kind) {
      case dedup::Source::Kind::kPointer:
        return pointers.Find(source.pointer);
      case dedup::Source::Kind::kField:
        return fields.Find(TokensOf(source.fields));
      case dedup::Source::Kind::kProperty:
        return static_cast<std::uint32_t>(std::ranges::lower_bound(properties, source.property) - properties.begin());
      default:
        return 0;
    }
  };
  for (const std::uint16_t number : numbers) {
    const dedup::Rule& rule = set.rules[number];
    const auto first_part = static_cast<std::uint32_t>(parts.size());
    for (std::uint16_t i = 0; i < rule.key.size(); ++i) {
      const dedup::Part& part = rule.key[i];
      parts.push_back({i, part.optional, static_cast<std::uint32_t>(sources.size()),
                       static_cast<std::uint32_t>(part.sources.size())});
      for (const dedup::Source& source : part.sources) sources.push_back({source.kind, place_of(source)});
    }
    std::stable_partition(parts.begin() + first_part, parts.end(),
                          [&rule](const Part& part) { return !ReadsWholePayload(rule.key[part.number]); });
    rules.push_back({number, rule.mode == RuleMode::kObserve, first_part, static_cast<std::uint32_t>(rule.key.size())});
  }
}

std::size_t Candidates::bytes() const {
  return sizeof *this + rules.size() * sizeof(Rule) + parts.size() * sizeof(Part) + sources.size() * sizeof(Source) +
         pointers.bytes() + fields.bytes() + properties.size() * sizeof(std::string_view);
}

}  // namespace dedup
