// What a column is called.
#pragma once

#include <string>
#include <string_view>

#include "command/traffic/column.h"

namespace dedup::command {

/// The column's name as people see it: a pointer, "property:x", "pb:1.6", "topic level 2", "client".
std::string NameOf(const Column& column);

/// The outermost array that a pointer leads into; the pointer itself where it leads into none.
std::string OutermostArray(std::string_view pointer);

}  // namespace dedup::command
