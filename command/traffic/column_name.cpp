#include "command/traffic/column_name.h"

#include <algorithm>

namespace dedup::command {

std::string OutermostArray(std::string_view pointer) {
  for (std::size_t begin = 1; begin < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
    const std::string_view token = pointer.substr(begin, end - begin);
    const bool is_index = std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (is_index && begin > 1) return std::string(pointer.substr(0, begin - 1));
    begin = end + 1;
  }
  return std::string(pointer);
}

std::string NameOf(const Column& column) {
  switch (column.place) {
    case Column::Place::kLevel:
      return "topic level " + std::to_string(column.level + 1);
    case Column::Place::kClient:
      return "client";
    case Column::Place::kProperty:
      return "property:" + column.name;
    case Column::Place::kEither:
      return "property:" + column.name + "|/" + column.name;
    case Column::Place::kMember:
      return column.name;
    case Column::Place::kField:
      return "pb:" + column.name;
    case Column::Place::kPayload:
      return "payload";
    case Column::Place::kRest:
      return "further members";
  }
  return {};
}

}  // namespace dedup::command
