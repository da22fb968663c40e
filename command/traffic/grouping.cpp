#include "command/traffic/grouping.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "command/traffic/schemas.h"

namespace dedup::command {
namespace {

constexpr std::size_t kKindsMax = 3;  // of JSON on the same topics; more are looked at as one

}  // namespace

std::string Group::Filter() const {
  std::string filter;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (i != 0) filter += '/';
    filter += pattern[i];
  }
  return filter;
}

std::vector<Group> GroupsOf(std::span<const Message> messages) {
  const Schemas schemas = SchemasOf(messages);

  // Topics by kind of members and depth, then parted by their levels.
  struct TopicKind {
    Pattern pattern;
    std::size_t depth;
  };
  std::unordered_map<std::string_view, TopicKind> topics;
  std::map<std::pair<std::uint32_t, std::size_t>, std::map<Pattern, std::size_t>> counts;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto [place, is_new] = topics.try_emplace(messages[i].topic);
    if (is_new) {
      place->second.pattern = PatternOf(messages[i].topic);
      place->second.depth = place->second.pattern.size();
    }
    ++counts[{schemas.kind[schemas.of_message[i]], place->second.depth}][place->second.pattern];
  }
  std::map<std::pair<std::uint32_t, std::size_t>, std::vector<Pattern>> patterns;
  for (const auto& [kind, of_kind] : counts) patterns[kind] = KindsOf(of_kind);

  std::vector<Group> groups;
  std::map<std::pair<std::uint32_t, Pattern>, std::size_t> numbers;
  std::unordered_map<std::string, std::size_t> known;  // topic and cluster
  std::vector<bool> group_is_json;
  std::vector<std::size_t> property_counts;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::uint32_t schema = schemas.of_message[i];
    const std::uint32_t cluster = schemas.kind[schema];
    const TopicKind& topic = topics.at(messages[i].topic);
    const auto& of_kind = patterns.at({cluster, topic.depth});
    const auto pattern =
        std::find_if(of_kind.begin(), of_kind.end(), [&](const auto& kind) { return Fits(topic.pattern, kind); });
    const auto [place, is_new] = numbers.try_emplace({cluster, *pattern}, groups.size());
    if (is_new) {
      groups.emplace_back();
      groups.back().pattern = *pattern;
      groups.back().depth = topic.depth;
      group_is_json.push_back(schemas.all[cluster].is_json);
      property_counts.push_back(0);
    }
    Group& group = groups[place->second];
    group.rows.push_back(static_cast<std::uint32_t>(i));
    property_counts[place->second] += !messages[i].properties.empty();
    group_is_json[place->second] = group_is_json[place->second] && schemas.all[schema].is_json;
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i].has_two_forms = property_counts[i] != 0 && property_counts[i] != groups[i].rows.size();
    groups[i].format =
        group_is_json[i] ? Format::kJson : BinaryFormatOf(messages, groups[i].rows, &groups[i].nested_fields);
  }

  // Where the same topics have many kinds of JSON, no member can be relied on.
  std::map<Pattern, std::vector<std::size_t>> by_pattern;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].format == Format::kJson) by_pattern[groups[i].pattern].push_back(i);
  }
  for (const auto& [pattern, kinds] : by_pattern) {
    if (kinds.size() <= kKindsMax) continue;
    Group& whole = groups[kinds.front()];
    whole.is_mixed = true;
    for (std::size_t i = 1; i < kinds.size(); ++i) {
      std::vector<std::uint32_t>& rows = groups[kinds[i]].rows;
      whole.rows.insert(whole.rows.end(), rows.begin(), rows.end());
      rows.clear();
    }
    std::sort(whole.rows.begin(), whole.rows.end());
  }
  std::erase_if(groups, [](const Group& group) { return group.rows.empty(); });
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.rows.size() > b.rows.size(); });
  return groups;
}

}  // namespace dedup::command
