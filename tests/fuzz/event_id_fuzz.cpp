// EventIdSearch against a full JSON parser that we did not write: the same id, or the same "not an event", for every
// input.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "plugin/core/event/event_id.h"
#include "plugin/core/text/json.h"

namespace {

using dedup::EventId;
using dedup::EventIdBuffer;
using dedup::EventIdStatus;

// Takes the first top-level member "event_id" out of the parser's stream of tokens.
class Reference : public nlohmann::json_sax<nlohmann::json> {
 public:
  EventIdStatus status = EventIdStatus::kNone;
  std::string text;
  bool is_object = false;
  int depth_max = 0;
  bool number_too_large = false;  // the parser's own limit, not JSON's

  bool null() override { return Other(); }
  bool boolean(bool) override { return Other(); }
  bool number_integer(number_integer_t value) override { return Integer(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Integer(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& digits) override {
    // An integer beyond 64 bits arrives here too, with its digits as they stand.
    return digits.find_first_of(".eE") == std::string::npos ? Integer(digits) : Other();
  }
  bool string(string_t& value) override {
    if (TakesValue()) Check(value);
    return true;
  }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    if (depth_ == 0) is_object = true;
    return Open();
  }
  bool key(string_t& value) override {
    if (depth_ == 1) member_is_id_ = value == "event_id";
    return true;
  }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(); }
  bool end_array() override { return Close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    number_too_large = error.id == 406;
    return false;
  }

 private:
  bool TakesValue() {
    if (depth_ != 1 || !member_is_id_ || seen_) return false;
    seen_ = true;
    return true;
  }
  void Check(const std::string& value) {
    const bool good = !value.empty() && value.size() <= dedup::kEventIdBytesMax;
    status = good ? EventIdStatus::kFound : EventIdStatus::kInvalid;
    if (good) text = value;
  }
  bool Integer(const std::string& digits) {
    if (TakesValue()) Check(digits);
    return true;
  }
  bool Other() {
    if (TakesValue()) status = EventIdStatus::kInvalid;
    return true;
  }
  bool Open() {
    if (TakesValue()) status = EventIdStatus::kInvalid;
    depth_max = std::max(depth_max, ++depth_);
    return true;
  }
  bool Close() {
    --depth_;
    return true;
  }

  int depth_ = 0;
  bool member_is_id_ = false;
  bool seen_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view payload(reinterpret_cast<const char*>(data), size);
  if (payload.starts_with("\xEF\xBB\xBF")) return 0;  // a byte order mark is no JSON to us; the parser skips it

  Reference reference;
  const bool valid = nlohmann::json::sax_parse(payload.begin(), payload.end(), &reference);
  if (reference.number_too_large || reference.depth_max > dedup::json::kDepthMax) return 0;
  // A NUL byte stands nowhere in JSON; the parser takes one behind the document for the end of the input.
  const bool has_nul = payload.find('\0') != std::string_view::npos;
  const bool is_event_like = valid && reference.is_object && !has_nul;
  const EventIdStatus expected = is_event_like ? reference.status : EventIdStatus::kNone;

  EventIdBuffer buffer;
  const EventId id = dedup::EventIdSearch(payload, "event_id", buffer).Finish();
  // "-0" keeps its sign with us and loses it in the parser.
  const bool same_text = id.text == reference.text || (id.text == "-0" && reference.text == "0");
  if (id.status == expected && (expected != EventIdStatus::kFound || same_text)) return 0;
  std::fprintf(stderr, "status %d, expected %d; id '%s', expected '%s'\n", static_cast<int>(id.status),
               static_cast<int>(expected), std::string(id.text).c_str(), reference.text.c_str());
  std::abort();
}
