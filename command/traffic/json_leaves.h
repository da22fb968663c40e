// The values at the ends of a JSON document, each with its pointer.
#pragma once

#include <functional>
#include <string_view>

namespace dedup::command {

struct JsonLeaf {
  std::string_view pointer;  ///< RFC 6901
  std::string_view shape;    ///< the pointer with `*` in place of each array's index
  char type = 's';           ///< s: string, n: number, l: true, false or null, e: an empty object or array
  std::string_view text;     ///< a string's characters, a number's digits as they stand in the document
};

enum class JsonForm : unsigned char { kNone, kObject, kArray, kScalar };

/// Calls visit(leaf) for each leaf, in the document's order; views hold during the call. A document that turns out to
/// be none (kNone) may have had some of its leaves visited.
JsonForm WalkJson(std::string_view document, const std::function<void(const JsonLeaf&)>& visit);

}  // namespace dedup::command
