#include "command/advise/rule_proposal.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "command/traffic/column_name.h"

namespace dedup::command {
namespace {

using Place = Column::Place;

constexpr std::size_t kPartsMax = 16;    // of a key, as rules files have it
constexpr std::size_t kIgnoredMax = 64;  // members
constexpr std::size_t kNameSizeMax = 32;

bool IsAlwaysThere(const Table& table, const Column& column) {
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    const std::uint32_t value = column.values[row];
    if (value == 0 || column.value_size[value] == 0) return false;
  }
  return true;
}

// What of the JSON does not count. An array is left out whole where nothing in it counts: it may be longer next time.
std::vector<std::string> IgnoredMembers(const Table& table, const ColumnSet& ignored) {
  std::set<std::string> counting;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.place == Place::kMember && !ignored[i] && !column.is_constant)
      counting.insert(OutermostArray(column.name));
  }
  std::set<std::string> members;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.place != Place::kMember || !ignored[i]) continue;
    const std::string around = OutermostArray(column.name);
    members.insert(counting.contains(around) ? column.name : around);
  }
  return {members.begin(), members.end()};
}

// Whether several publishers write to one topic, as far as that counts and a member does not name them.
bool ShareTopics(const Table& table, const ColumnSet& ignored) {
  std::vector<std::uint64_t> stream(table.row_count(), 0);
  const Column* client = nullptr;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.place == Place::kClient) client = &column;
    const bool counts = column.place == Place::kLevel || column.is_persistent;
    if (ignored[i] || column.place == Place::kClient || column.is_time || !counts) continue;
    for (std::size_t row = 0; row < table.row_count(); ++row) stream[row] += HashOf(i, column.values[row]);
  }
  if (client == nullptr || client->is_constant) return false;
  std::unordered_map<std::uint64_t, std::uint32_t> owner;
  std::size_t others = 0;
  for (std::size_t row = 0; row < table.row_count(); ++row) {
    others += owner.try_emplace(stream[row], client->values[row]).first->second != client->values[row];
  }
  return others != 0;
}

void AddPart(RuleProposal* rule, std::string part) {
  if (std::find(rule->key.begin(), rule->key.end(), part) == rule->key.end()) rule->key.push_back(std::move(part));
}

}  // namespace

RuleProposal MakeRule(const Group& group, const Table& table, const Trial& trial) {
  RuleProposal rule;
  rule.topics = {group.Filter()};
  rule.window = WindowText(trial.window_s, 1.2 * trial.gap_max_s, &rule.window_s);
  const ColumnSet& ignored = trial.ignored;
  bool ignores_members = false;
  bool ignores_client = false;
  const bool has_sure_identity = trial.has_sure_identity;
  const Column* const identity = trial.identities.empty() ? nullptr : &table.columns[trial.identities.front()];
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (!ignored[i]) continue;
    if (column.place == Place::kLevel) rule.ignore_levels.push_back(static_cast<int>(column.level) + 1);
    if (column.place == Place::kClient) ignores_client = true;
    ignores_members = ignores_members || column.place == Place::kMember || column.place == Place::kField;
  }

  // First what makes sure that it is this kind of message, and which one.
  std::vector<const Column*> leading;
  std::vector<const Column*> others;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (ignored[i] || column.is_constant || !IsAlwaysThere(table, column)) continue;
    if (column.place != Place::kMember) continue;
    (&column == identity ? leading : others).push_back(&column);
  }

  if (table.has_clients && !ignores_client && !(has_sure_identity && group.format == Format::kJson) &&
      ShareTopics(table, ignored)) {
    AddPart(&rule, "client");
  }

  if (group.has_two_forms || (group.format == Format::kProtobuf && ignores_members)) {
    std::vector<std::pair<int, const Column*>> parts;  // the identity, then what varies, then the rest
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const Column& column = table.columns[i];
      if (ignored[i] || (column.place != Place::kEither && column.place != Place::kField)) continue;
      if (column.is_constant && column.place == Place::kField) continue;
      parts.emplace_back(&column == identity ? 0 : column.is_persistent ? 1 : column.is_constant ? 3 : 2, &column);
    }
    std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    // What no part of a key can name may be what tells two events apart.
    if (identity == nullptr &&
        (group.has_two_forms || table.has_repeated_fields || parts.size() + rule.key.size() > kPartsMax)) {
      return rule;
    }
    for (const auto& [order, column] : parts) {
      if (rule.key.size() == kPartsMax) break;
      AddPart(&rule, (IsAlwaysThere(table, *column) ? "" : "?") + NameOf(*column));
    }
    return rule;
  }

  for (const Column* const column : others) rule.marks.push_back(NameOf(*column));
  for (const Column* const column : leading) AddPart(&rule, NameOf(*column));
  if (leading.empty()) {
    for (std::size_t i = 0; i < others.size() && i < 1; ++i) AddPart(&rule, NameOf(*others[i]));
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    if (column.place != Place::kProperty || ignored[i] || column.is_constant || rule.key.size() == kPartsMax - 1)
      continue;
    AddPart(&rule, (IsAlwaysThere(table, column) ? "" : "?") + NameOf(column));
  }
  AddPart(&rule, "payload");
  if (group.format == Format::kJson) rule.ignore = IgnoredMembers(table, ignored);
  if (rule.ignore.size() > kIgnoredMax) rule.key.clear();
  return rule;
}

std::string NameFor(const Group& group, const std::vector<std::string>& taken) {
  std::string name;
  for (const std::string& level : group.pattern) {
    std::string word;
    for (const char c : level) {
      const bool is_allowed =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
      if (is_allowed) word += c;
    }
    if (word.empty()) continue;
    if (!name.empty()) name += '-';
    name += word;
  }
  if (name.empty()) name = "events";
  if (name.size() > kNameSizeMax - 4) name.resize(kNameSizeMax - 4);
  std::string unique = name;
  for (int number = 2; std::find(taken.begin(), taken.end(), unique) != taken.end(); ++number) {
    unique = name + "-" + std::to_string(number);
  }
  return unique;
}

std::string WindowText(double window_s, double least_s, double* exact_s) {
  struct Step {
    double seconds;
    const char* text;
  };
  constexpr Step kSteps[] = {{0.1, "100ms"}, {0.2, "200ms"},  {0.3, "300ms"}, {0.5, "500ms"}, {0.7, "700ms"},
                             {1, "1s"},      {1.5, "1500ms"}, {2, "2s"},      {3, "3s"},      {5, "5s"},
                             {7, "7s"},      {10, "10s"},     {15, "15s"},    {20, "20s"},    {30, "30s"},
                             {45, "45s"},    {60, "1m"},      {90, "90s"},    {120, "2m"},    {180, "3m"},
                             {300, "5m"},    {420, "7m"},     {600, "10m"},   {900, "15m"},   {1800, "30m"},
                             {3600, "1h"},   {7200, "2h"},    {21600, "6h"},  {86400, "1d"}};
  const Step* best = nullptr;
  for (const Step& step : kSteps) {
    if (step.seconds < least_s) continue;
    if (step.seconds <= window_s * 1.0001) best = &step;
  }
  if (best != nullptr) {
    *exact_s = best->seconds;
    return best->text;
  }
  const double ms = std::max(100.0, window_s * 1000);
  const double place = std::pow(10, std::floor(std::log10(ms)) - 1);  // of the second digit
  const auto rounded_ms = static_cast<long>(std::floor(ms / place + 1e-9) * place + 0.5);
  *exact_s = static_cast<double>(rounded_ms) / 1000;
  return rounded_ms % 1000 == 0 ? std::to_string(rounded_ms / 1000) + "s" : std::to_string(rounded_ms) + "ms";
}

}  // namespace dedup::command
