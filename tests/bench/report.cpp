#include "tests/bench/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

namespace dedup::bench {
namespace {

using Json = nlohmann::ordered_json;

std::string CpuName() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string Today() {
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

// To four digits: more would only be noise in the file.
double Rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return std::strtod(text, nullptr);
}

Json Rounded(const std::vector<double>& values) {
  Json rounded = Json::array();
  for (const double value : values) rounded.push_back(Rounded(value));
  return rounded;
}

Json ToJson(const Result& result) {
  Json figures = Json::object();
  for (const Figure& figure : result.figures) {
    Json& json = figures[figure.name];
    if (!figure.reference.empty()) {
      json["reference"] = Rounded(Median(figure.reference));
      json["ratio"] = Rounded(figure.Ratio());
      json["references"] = Rounded(figure.reference);
    }
    json["value"] = Rounded(Median(figure.values));
    json["values"] = Rounded(figure.values);
  }
  return {{"case", result.case_name}, {"broker", result.broker},
          {"title", result.title},    {"reference", result.reference_name},
          {"date", Today()},          {"scale", result.scale},
          {"figures", figures}};
}

}  // namespace

double Median(std::vector<double> values) {
  if (values.empty()) throw std::invalid_argument("the median of nothing");
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double Percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) throw std::invalid_argument("a percentile of nothing");
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

double Figure::Ratio() const {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < values.size(); ++i) ratios.push_back(values[i] / reference.at(i));
  return Median(ratios);
}

Figure& Result::operator[](const std::string& name) {
  const auto found = std::ranges::find(figures, name, &Figure::name);
  return found != figures.end() ? *found : figures.emplace_back(Figure{name, {}, {}});
}

void Print(const Result& result) {
  std::printf("%s%s%s: %s", result.case_name.c_str(), result.broker.empty() ? "" : ", Mosquitto ",
              result.broker.c_str(), result.title.c_str());
  if (result.scale != 1) std::printf(", %g of it", result.scale);
  std::printf("\n");
  std::printf("  %-36s %12s %12s %8s\n", "", result.reference_name.c_str(), "with dedup", "ratio");
  for (const Figure& figure : result.figures) {
    if (figure.reference.empty()) {
      std::printf("  %-36s %12s %12.4g\n", figure.name.c_str(), "", Median(figure.values));
    } else {
      std::printf("  %-36s %12.4g %12.4g %8.3f\n", figure.name.c_str(), Median(figure.reference), Median(figure.values),
                  figure.Ratio());
    }
  }
  std::fflush(stdout);
}

void Save(const Result& result, const std::filesystem::path& file) {
  Json all = {{"results", Json::array()}};
  if (std::ifstream old(file); old) all = Json::parse(old);
  all["machine"] = CpuName() + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores";
  Json& results = all["results"];
  const auto same = std::ranges::find_if(results, [&](const Json& other) {
    return other["case"] == result.case_name && other["broker"] == result.broker;
  });
  if (same != results.end()) {
    *same = ToJson(result);
  } else {
    results.push_back(ToJson(result));
  }
  std::ofstream(file) << all.dump(1, '\t') << "\n";
}

}  // namespace dedup::bench
