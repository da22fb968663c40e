#include "event_format.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "event_json.h"

namespace dedup::sidecar {
namespace {

void AppendLine(const StoredEvent& event, std::string* out) {
  AppendEventOnOneLine(event, out);
  out->push_back('\n');
}

constexpr EventFormat kLinesFormat{"application/x-ndjson", "", "", "", AppendLine, 'n'};
constexpr EventFormat kCsvFormat{
    "text/csv; charset=utf-8; header=present", kEventCsvHeader, "", "", AppendEventCsv, 'c'};

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes what stands before the next `separator` off the front.
std::string_view TakePart(std::string_view* text, char separator) {
  const std::string_view part = text->substr(0, text->find(separator));
  text->remove_prefix(std::min(part.size() + 1, text->size()));
  return Trimmed(part);
}

const EventFormat* FormatOf(std::string_view type) {
  std::string lower(type);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "application/x-ndjson" || lower == "application/ndjson") return &kLinesFormat;
  if (lower == "text/csv") return &kCsvFormat;
  if (lower == "application/json" || lower == "application/*" || lower == "*/*") return &kJsonFormat;
  return nullptr;
}

double QualityOf(std::string_view parameters) {
  while (!parameters.empty()) {
    const std::string_view parameter = TakePart(&parameters, ';');
    if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
    double quality = 0;
    std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), quality);
    return quality;
  }
  return 1;
}

}  // namespace

const EventFormat kJsonFormat{"application/json", "[", ",\n", "]", AppendEventJson, 'j'};

const EventFormat& ChooseFormat(std::string_view accept) {
  const EventFormat* best = &kJsonFormat;
  double best_quality = 0;
  while (!accept.empty()) {
    std::string_view parameters = TakePart(&accept, ',');
    const EventFormat* const format = FormatOf(TakePart(&parameters, ';'));
    const double quality = QualityOf(parameters);
    if (format == nullptr || quality <= best_quality) continue;
    best = format;
    best_quality = quality;
  }
  return *best;
}

}  // namespace dedup::sidecar
