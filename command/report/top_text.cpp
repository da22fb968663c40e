#include "command/report/top_text.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "command/report/text_table.h"
#include "command/report/words.h"

namespace dedup::command {
namespace {

using Rate = std::optional<double>;  // nothing: the figures do not tell

// Of each rule, a second; the first one says which rules stand first.
constexpr std::string_view kRuleRates[] = {"duplicates", "processed", "matched", "conflicts"};

std::uint64_t ValueOf(const RuleFigures& rule, std::string_view figure) {
  const auto* const found = std::find_if(std::begin(kRuleFigures), std::end(kRuleFigures),
                                         [figure](const RuleFigure& known) { return known.name == figure; });
  return rule.values.at(static_cast<std::size_t>(found - std::begin(kRuleFigures)));
}

Rate RateOf(std::uint64_t before, std::uint64_t now, double seconds) {
  if (now < before) return std::nullopt;
  return static_cast<double>(now - before) / seconds;
}

std::string Shown(const Rate& rate) {
  if (!rate) return "-";
  char text[40];
  std::snprintf(text, sizeof text, *rate > 0 && *rate < 10 ? "%.1f" : "%.0f", *rate);
  return text;
}

Rate RateOf(const TopView& view, std::string_view figure) {
  if (!view.before.values || !view.now.values) return std::nullopt;
  return RateOf(view.before.Value(figure), view.now.Value(figure), view.seconds);
}

std::string Totals(const TopView& view) {
  if (!view.now.values) return "events cannot be stored: " + view.now.trouble;
  std::string text;
  for (const char* const figure : {"received", "duplicates", "passed", "refused"}) {
    text += std::string(figure) + " " + Shown(RateOf(view, figure)) + "/s, ";
  }
  text += "journal " + ShareText(view.now.Value("journal_bytes"), view.now.Value("journal_size_bytes")) + " full";
  if (view.now.Value("store_failing") != 0) text += ", EVENTS CANNOT BE STORED";
  if (view.now.Value("journal_failing") != 0) text += ", EVENTS ARE REFUSED";
  return text;
}

// What there is of a rule, a topic or a client.
struct Line {
  std::string text;
  Rate duplicate_rate;
  std::uint64_t duplicates;
  std::vector<std::string> cells;
};

void SortByDuplicates(std::vector<Line>* lines) {
  std::stable_sort(lines->begin(), lines->end(), [](const Line& a, const Line& b) {
    const double rate_a = a.duplicate_rate.value_or(0);
    const double rate_b = b.duplicate_rate.value_or(0);
    return rate_a != rate_b ? rate_a > rate_b : a.duplicates > b.duplicates;
  });
}

std::vector<Line> RuleLines(const TopView& view) {
  std::vector<Line> lines;
  for (const RuleFigures& rule : view.now.rules) {
    const auto before = std::find_if(view.before.rules.begin(), view.before.rules.end(), [&](const RuleFigures& known) {
      return known.name == rule.name && known.since == rule.since;
    });
    const bool is_known = before != view.before.rules.end();
    Line line{.text = rule.name, .duplicate_rate = {}, .duplicates = ValueOf(rule, kRuleRates[0]), .cells = {}};
    for (const std::string_view figure : kRuleRates) {
      const Rate rate = is_known ? RateOf(ValueOf(*before, figure), ValueOf(rule, figure), view.seconds) : Rate();
      if (figure == kRuleRates[0]) line.duplicate_rate = rate;
      line.cells.push_back(Shown(rate));
    }
    line.cells.push_back(rule.name + (rule.observes ? " (observes)" : ""));
    lines.push_back(std::move(line));
  }
  SortByDuplicates(&lines);
  return lines;
}

// A row that has another error than before has been given to another text meanwhile, and its counts begin anew.
std::vector<Line> TopLines(const std::vector<TopFigures>& before, const std::vector<TopFigures>& now,
                           const TopView& view, bool has_events) {
  std::vector<Line> lines;
  for (const TopFigures& row : now) {
    if (row.duplicates == 0) continue;
    const auto known = std::find_if(before.begin(), before.end(), [&](const TopFigures& other) {
      return other.text == row.text && other.error == row.error;
    });
    const bool is_known = known != before.end() && view.before.top_since == view.now.top_since;
    Line line{.text = row.text, .duplicate_rate = {}, .duplicates = row.duplicates, .cells = {}};
    if (is_known) line.duplicate_rate = RateOf(known->duplicates, row.duplicates, view.seconds);
    line.cells.push_back(Shown(line.duplicate_rate));
    if (has_events) line.cells.push_back(Shown(is_known ? RateOf(known->events, row.events, view.seconds) : Rate()));
    line.cells.push_back((row.error > 0 ? ">= " : "") + std::to_string(row.duplicates));
    line.cells.push_back(row.text);
    lines.push_back(std::move(line));
  }
  SortByDuplicates(&lines);
  return lines;
}

std::string Table(std::vector<std::string> heads, const std::vector<Line>& lines, std::size_t lines_max) {
  TextTable table(std::move(heads));
  for (std::size_t i = 0; i < std::min(lines.size(), lines_max); ++i) table.Add(lines[i].cells);
  return table.Text();
}

std::string Cut(std::string_view text, std::size_t lines, std::size_t columns) {
  std::string cut;
  while (lines-- > 0 && !text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    // Characters begin where bytes have a width.
    std::size_t end = 0;
    for (std::size_t width = 0; end < line.size(); ++end) {
      width += WidthOf(line.substr(end, 1));
      if (width > columns) break;
    }
    cut.append(line.substr(0, end)).append("\n");
  }
  return cut;
}

}  // namespace

std::string TopScreen(const TopView& view, std::size_t lines, std::size_t columns) {
  const std::vector<Line> rules = RuleLines(view);
  const std::vector<Line> topics = TopLines(view.before.topics, view.now.topics, view, true);
  const std::vector<Line> clients = TopLines(view.before.clients, view.now.clients, view, false);
  // The totals, and of each table a blank line and its heads.
  constexpr std::size_t kOtherLines = 1 + 3 * 2;
  const std::size_t rows = lines > kOtherLines ? lines - kOtherLines : 0;
  // What one table leaves over is for the next.
  const std::size_t client_rows = std::min(clients.size(), rows / 4);
  const std::size_t rule_rows = std::min(rules.size(), (rows - client_rows) / 2);
  const std::size_t topic_rows = std::min(topics.size(), rows - client_rows - rule_rows);
  std::vector<std::string> heads;
  for (const std::string_view figure : kRuleRates) heads.push_back(std::string(figure) + "/s");
  heads.emplace_back("rule");
  return Cut(Totals(view) + "\n\n" + Table(std::move(heads), rules, rule_rows) + "\n" +
                 Table({"duplicates/s", "events/s", "duplicates", "topic"}, topics, topic_rows) + "\n" +
                 Table({"duplicates/s", "duplicates", "client"}, clients, client_rows),
             lines, columns);
}

std::string TopLine(const TopView& view) {
  std::string line = Totals(view);
  const auto add = [&line](const char* what, const std::vector<Line>& lines) {
    if (lines.empty() || lines.front().duplicate_rate.value_or(0) == 0) return;
    line += std::string(", most of ") + what + " " + lines.front().text + " (" + Shown(lines.front().duplicate_rate) +
            "/s)";
  };
  add("rule", RuleLines(view));
  add("topic", TopLines(view.before.topics, view.now.topics, view, true));
  return line + "\n";
}

}  // namespace dedup::command
