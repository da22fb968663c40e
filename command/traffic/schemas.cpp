#include "command/traffic/schemas.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "command/traffic/json_leaves.h"

namespace dedup::command {
namespace {

constexpr double kSimilar = 0.5;  // Jaccard
constexpr std::size_t kSchemasMax = 5000;

using Names = std::vector<std::uint32_t>;  // sorted

// Numbers for texts, in order of appearance.
class Numbering {
 public:
  std::uint32_t Of(std::string_view text) {
    const auto [place, is_new] = numbers_.try_emplace(std::string(text), static_cast<std::uint32_t>(numbers_.size()));
    return place->second;
  }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

double Similarity(const Names& a, const Names& b) {
  std::size_t common = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) {
      ++common;
      ++i;
      ++j;
    } else if (*i < *j) {
      ++i;
    } else {
      ++j;
    }
  }
  const std::size_t all = a.size() + b.size() - common;
  return all == 0 ? 1.0 : static_cast<double>(common) / static_cast<double>(all);
}

Schemas ReadSchemas(std::span<const Message> messages) {
  Schemas schemas;
  Numbering names;
  std::map<std::pair<bool, Names>, std::uint32_t> numbers;
  schemas.of_message.reserve(messages.size());
  for (const Message& message : messages) {
    Schema schema;
    std::string key;
    const JsonForm form = WalkJson(message.payload, [&](const JsonLeaf& leaf) {
      if (leaf.shape.starts_with('/')) {
        key.assign(leaf.shape.substr(1));
        schema.names.push_back(names.Of(key));
      }
    });
    schema.is_json = form == JsonForm::kObject || form == JsonForm::kArray;
    if (!schema.is_json) schema.names.clear();
    for (const auto& [name, value] : message.properties) schema.names.push_back(names.Of(name));
    std::sort(schema.names.begin(), schema.names.end());
    schema.names.erase(std::unique(schema.names.begin(), schema.names.end()), schema.names.end());
    if (numbers.size() >= kSchemasMax && !numbers.contains({schema.is_json, schema.names})) schema.names.clear();
    const auto [place, is_new] =
        numbers.try_emplace({schema.is_json, schema.names}, static_cast<std::uint32_t>(schemas.all.size()));
    if (is_new) schemas.all.push_back(std::move(schema));
    ++schemas.all[place->second].count;
    schemas.of_message.push_back(place->second);
  }
  return schemas;
}

void FindKinds(Schemas* schemas) {
  std::vector<std::uint32_t> order(schemas->all.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return schemas->all[a].count > schemas->all[b].count; });
  schemas->kind.resize(order.size());
  std::vector<std::uint32_t> leaders;
  for (const std::uint32_t schema : order) {
    double best = 0;
    std::uint32_t cluster = schema;
    for (const std::uint32_t leader : leaders) {
      if (schemas->all[leader].is_json != schemas->all[schema].is_json) {
        // Structured and binary CloudEvents of one stream: only properties tell that they are of a kind.
        if (schemas->all[leader].names.empty() || schemas->all[schema].names.empty()) continue;
      }
      const double similarity = Similarity(schemas->all[leader].names, schemas->all[schema].names);
      if (similarity >= kSimilar && similarity > best) {
        best = similarity;
        cluster = leader;
      }
    }
    if (cluster == schema) leaders.push_back(schema);
    schemas->kind[schema] = cluster;
  }
}

}  // namespace

Schemas SchemasOf(std::span<const Message> messages) {
  Schemas schemas = ReadSchemas(messages);
  FindKinds(&schemas);
  return schemas;
}

}  // namespace dedup::command
