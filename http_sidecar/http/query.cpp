#include "http_sidecar/http/query.h"

#include <algorithm>
#include <cstddef>
#include <set>

#include "http_sidecar/base/percent.h"
#include "plugin/core/text/utf8.h"

namespace dedup::sidecar {
namespace {

// Takes the first parameter, "name=value", off the front of a query.
std::string_view TakeParameter(std::string_view* query) {
  const std::string_view parameter = query->substr(0, query->find('&'));
  query->remove_prefix(std::min(parameter.size() + 1, query->size()));
  return parameter;
}

std::string NameOf(std::string_view parameter) {
  return PercentDecoded(parameter.substr(0, parameter.find('=')), Plus::kIsASpace);
}

bool IsAmong(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::string_view first = names.substr(0, names.find(' '));
    if (first == name) return true;
    names.remove_prefix(std::min(first.size() + 1, names.size()));
  }
  return false;
}

}  // namespace

std::string_view QueryOf(std::string_view target) {
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

std::optional<std::string_view> RawQueryValue(std::string_view target, std::string_view name) {
  for (std::string_view query = QueryOf(target); !query.empty();) {
    const std::string_view parameter = TakeParameter(&query);
    if (NameOf(parameter) != name) continue;
    const std::size_t equals = parameter.find('=');
    return equals == std::string_view::npos ? std::string_view{} : parameter.substr(equals + 1);
  }
  return std::nullopt;
}

std::optional<Problem> CheckNames(std::string_view target, std::string_view known) {
  std::set<std::string> names;
  for (std::string_view query = QueryOf(target); !query.empty();) {
    const std::string_view parameter = TakeParameter(&query);
    if (parameter.empty()) continue;
    const std::string name = NameOf(parameter);
    if (!IsAmong(known, name)) {
      std::string expected;
      for (const char c : known) expected.append(c == ' ' ? ", " : std::string(1, c));
      if (known.empty()) expected = "none";
      const std::string shown = IsUtf8(name) ? name : std::string(parameter.substr(0, parameter.find('=')));
      return Problem{problems::kInvalidParameter, "there is no parameter \"" + shown + "\" here; expected " + expected};
    }
    if (!names.insert(name).second) {
      return Problem{problems::kInvalidParameter, name + " stands there more than once; expected once"};
    }
  }
  return std::nullopt;
}

std::string QueryWithout(std::string_view query, std::string_view name) {
  std::string left;
  while (!query.empty()) {
    const std::string_view parameter = TakeParameter(&query);
    if (parameter.empty() || NameOf(parameter) == name) continue;
    left.append(left.empty() ? "" : "&").append(parameter);
  }
  return left;
}

std::string QueryValue(std::string_view target, std::string_view name) {
  return PercentDecoded(RawQueryValue(target, name).value_or(""), Plus::kIsASpace);
}

}  // namespace dedup::sidecar
