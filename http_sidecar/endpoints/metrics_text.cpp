#include "http_sidecar/endpoints/metrics_text.h"

#include <charconv>
#include <cstddef>

namespace dedup::sidecar {
namespace {

// The shortest text that means the same number.
std::string NumberText(double number) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, number).ptr};
}

}  // namespace

MetricsText& MetricsText::Begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = "mosquitto_dedup_";
  name_.append(name);
  text_.append("# HELP ").append(name_).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name_).append(" ").append(type).append("\n");
  return *this;
}

MetricsText& MetricsText::Sample(std::uint64_t value, std::string_view labels) {
  AppendSample("", labels, std::to_string(value));
  return *this;
}

MetricsText& MetricsText::Histogram(std::span<const double> upper_bounds, std::span<const std::uint64_t> counts,
                                    double sum, std::string_view labels) {
  const std::string before = std::string(labels) + (labels.empty() ? "le=\"" : ",le=\"");
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    count += counts[i];
    const std::string bound = i < upper_bounds.size() ? NumberText(upper_bounds[i]) : "+Inf";
    AppendSample("_bucket", before + bound + "\"", std::to_string(count));
  }
  AppendSample("_sum", labels, NumberText(sum));
  AppendSample("_count", labels, std::to_string(count));
  return *this;
}

void MetricsText::AppendSample(std::string_view suffix, std::string_view labels, std::string_view value) {
  text_.append(name_).append(suffix);
  if (!labels.empty()) text_.append("{").append(labels).append("}");
  text_.append(" ").append(value).append("\n");
}

}  // namespace dedup::sidecar
