// What was measured, as a table for people and as JSON for the picture.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dedup::bench {

double Median(std::vector<double> values);
/// Of sorted values: the one that `share` of them do not exceed.
double Percentile(const std::vector<double>& sorted, double share);

/// One figure of a case. With references, each value was measured in one pair with the reference at its place.
struct Figure {
  std::string name;  ///< with its unit
  std::vector<double> reference;
  std::vector<double> values;

  /// The median over the pairs, which a disturbance of the machine disturbs least. Needs references.
  double Ratio() const;
};

/// What a case has found.
struct Result {
  std::string case_name;
  std::string title;
  std::string broker;          ///< its version; empty where none took part
  double scale = 1;            ///< of the amounts that the title names
  std::string reference_name;  ///< what `reference` stands for
  std::vector<Figure> figures;

  /// The figure of that name, made when it is the first time.
  Figure& operator[](const std::string& name);
};

void Print(const Result& result);

/// Puts the result into the JSON file, in place of an older one of the same case and broker.
void Save(const Result& result, const std::filesystem::path& file);

}  // namespace dedup::bench
