// Metrics in Prometheus's text format 0.0.4.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace dedup::sidecar {

/// Written metric by metric: Begin(), then its samples. Every name gets the prefix mosquitto_dedup_.
class MetricsText {
 public:
  static constexpr char kContentType[] = "text/plain; version=0.0.4; charset=utf-8";

  MetricsText& Begin(std::string_view name, std::string_view type, std::string_view help);
  /// `labels`: name="value",… of values that need no escapes.
  MetricsText& Sample(std::uint64_t value, std::string_view labels = {});
  /// `counts`: how many observations lie in each bucket alone, the last one above all bounds.
  MetricsText& Histogram(std::span<const double> upper_bounds, std::span<const std::uint64_t> counts, double sum,
                         std::string_view labels = {});

  std::string Take() { return std::move(text_); }

 private:
  void AppendSample(std::string_view suffix, std::string_view labels, std::string_view value);

  std::string name_;
  std::string text_;
};

}  // namespace dedup::sidecar
