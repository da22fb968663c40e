#include "command/traffic/json_leaves.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace dedup::command {
namespace {

// Follows the parser down and up, with the pointer to where it is.
class Walk : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Walk(const std::function<void(const JsonLeaf&)>& visit) : visit_(visit) {}

  bool null() override { return Leaf('l', "null"); }
  bool boolean(bool value) override { return Leaf('l', value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return Number(value); }
  bool number_unsigned(number_unsigned_t value) override { return Number(value); }
  bool number_float(number_float_t, const string_t& text) override { return Leaf('n', text); }
  bool string(string_t& value) override { return Leaf('s', value); }
  bool binary(binary_t&) override { return false; }  // never in JSON
  bool start_object(std::size_t) override { return Enter(false); }
  bool start_array(std::size_t) override { return Enter(true); }
  bool end_object() override { return Leave("{}"); }
  bool end_array() override { return Leave("[]"); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  bool key(string_t& name) override {
    Step();
    for (std::string* const text : {&pointer_, &shape_}) {
      *text += '/';
      for (const char c : name) {
        if (c == '~') {
          *text += "~0";
        } else if (c == '/') {
          *text += "~1";
        } else {
          *text += c;
        }
      }
    }
    return true;
  }

 private:
  struct Level {
    std::size_t pointer_size;  // of the container's own
    std::size_t shape_size;
    bool is_array;
    std::size_t count = 0;  // of its members so far
  };

  // Points to the container's next member.
  void Step() {
    Level& level = levels_.back();
    pointer_.resize(level.pointer_size);
    shape_.resize(level.shape_size);
    ++level.count;
  }

  void StepInArray() {
    if (levels_.empty() || !levels_.back().is_array) return;
    Step();
    pointer_ += '/';
    pointer_ += std::to_string(levels_.back().count - 1);
    shape_ += "/*";
  }

  template <class Value>
  bool Number(Value value) {
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    return Leaf('n', {digits, static_cast<std::size_t>(end - digits)});
  }

  bool Leaf(char type, std::string_view text) {
    StepInArray();
    visit_({pointer_, shape_, type, text});
    return true;
  }

  bool Enter(bool is_array) {
    StepInArray();
    levels_.push_back({pointer_.size(), shape_.size(), is_array});
    return true;
  }

  bool Leave(std::string_view empty) {
    const Level level = levels_.back();
    levels_.pop_back();
    pointer_.resize(level.pointer_size);
    shape_.resize(level.shape_size);
    if (level.count == 0) visit_({pointer_, shape_, 'e', empty});
    return true;
  }

  const std::function<void(const JsonLeaf&)>& visit_;
  std::string pointer_;
  std::string shape_;
  std::vector<Level> levels_;
};

}  // namespace

JsonForm WalkJson(std::string_view document, const std::function<void(const JsonLeaf&)>& visit) {
  const std::size_t begin = document.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return JsonForm::kNone;
  Walk walk(visit);
  if (!nlohmann::json::sax_parse(document.begin(), document.end(), &walk)) return JsonForm::kNone;
  return document[begin] == '{' ? JsonForm::kObject : document[begin] == '[' ? JsonForm::kArray : JsonForm::kScalar;
}

}  // namespace dedup::command
