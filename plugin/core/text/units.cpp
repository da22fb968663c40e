#include "plugin/core/text/units.h"

#include <charconv>
#include <cstddef>
#include <limits>
#include <system_error>

namespace dedup {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// A whole number and a unit, as in "100ms". nullopt when it is something else or too large for 63 bits.
template <std::size_t kCount>
std::optional<std::uint64_t> ParseWithUnit(std::string_view text, const Unit (&units)[kCount]) {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit_name(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  if (number == 0 && unit_name.empty()) return 0;
  for (const Unit& unit : units) {
    if (unit.name != unit_name) continue;
    if (number > std::uint64_t{std::numeric_limits<std::int64_t>::max()} / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  static constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  const auto milliseconds = ParseWithUnit(text, kUnits);
  // A hundred years: far beyond any use, and below every overflow, of nanoseconds in 64 bits for one.
  if (!milliseconds || *milliseconds > std::uint64_t{36'500} * 86'400'000) return std::nullopt;
  return std::chrono::milliseconds(*milliseconds);
}

std::optional<std::uint64_t> ParseSize(std::string_view text) {
  static constexpr Unit kUnits[] = {{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
  return ParseWithUnit(text, kUnits);
}

}  // namespace dedup
