// ParseBatch against a full JSON parser that we did not write: the same bodies are JSON, the same events are valid, the
// same event is the first invalid one, and the members that count are read alike.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http_sidecar/base/time.h"
#include "http_sidecar/publish/parse_batch.h"
#include "plugin/core/event/event_id.h"
#include "plugin/core/text/json.h"

namespace {

using dedup::sidecar::Batch;
using dedup::sidecar::Problem;
using nlohmann::json;

// A tree of the body, in which the first of repeated members counts. Nothing: outside of what can be compared.
struct Parsed {
  std::optional<json> tree;
  bool is_comparable = true;
};

Parsed Parse(std::string_view body) {
  Parsed parsed;
  std::vector<std::set<std::string>> seen;  // member names, for each object that is open
  const auto keep = [&](int depth, json::parse_event_t event, json& value) {
    if (depth >= dedup::json::kDepthMax) parsed.is_comparable = false;
    switch (event) {
      case json::parse_event_t::object_start:
        seen.emplace_back();
        return true;
      case json::parse_event_t::object_end:
        seen.pop_back();
        return true;
      case json::parse_event_t::key:
        return seen.back().insert(value.get<std::string>()).second;
      default:
        return true;
    }
  };
  try {
    parsed.tree = json::parse(body.begin(), body.end(), keep);
  } catch (const json::out_of_range&) {
    parsed.is_comparable = false;  // a number too large for the parser, which is no error in JSON
  } catch (const json::parse_error&) {
  }
  return parsed;
}

std::optional<std::string> TextOf(const json& event, const char* member) {
  const auto found = event.find(member);
  if (found == event.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

bool IsValid(const json& event) {
  if (!event.is_object()) return false;
  const auto topic = TextOf(event, "topic");
  const auto id = TextOf(event, "event_id");
  const auto timestamp = TextOf(event, "timestamp");
  const auto source = event.find("source");
  return topic && !topic->empty() && topic->size() <= dedup::sidecar::kTopicBytesMax && (*topic)[0] != '$' &&
         topic->find_first_of(std::string("+#\0", 3)) == std::string::npos && id && !id->empty() &&
         id->size() <= dedup::kEventIdBytesMax && timestamp && dedup::sidecar::IsTimestamp(*timestamp) &&
         (source == event.end() || source->is_string() || source->is_null());
}

void Fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void Compare(const Parsed& parsed, const std::variant<std::shared_ptr<Batch>, Problem>& result) {
  const auto* const problem = std::get_if<Problem>(&result);
  if (!parsed.tree) {
    if (problem == nullptr || problem->type.status != 400) Fail("invalid JSON was taken");
    return;
  }
  const json& tree = *parsed.tree;
  if (problem != nullptr && problem->type.status == 400) {
    // To this parser a repeated member is no fault.
    if (problem->detail.ends_with("stands there twice")) return;
    Fail(("valid JSON was refused: " + problem->detail).c_str());
  }
  std::vector<const json*> events;
  if (tree.is_array()) {
    for (const json& event : tree) events.push_back(&event);
  } else {
    events.push_back(&tree);
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (IsValid(*events[i])) continue;
    const bool is_neither = !tree.is_array() && !tree.is_object();
    if (problem == nullptr || problem->type.status != 422 ||
        (!is_neither && !problem->detail.starts_with("events[" + std::to_string(i) + "]"))) {
      Fail(("event " + std::to_string(i) + " is invalid, which was not said").c_str());
    }
    return;
  }
  if (problem != nullptr) Fail(("valid events were refused: " + problem->detail).c_str());
  const Batch& batch = *std::get<0>(result);
  if (batch.events.size() != events.size()) Fail("another number of events");
  for (std::size_t i = 0; i < events.size(); ++i) {
    const dedup::sidecar::Event& event = batch.events[i];
    if (event.topic != *TextOf(*events[i], "topic")) Fail("another topic");
    if (event.event_id != *TextOf(*events[i], "event_id")) Fail("another event id");
    if (Parse(event.payload).tree != *events[i]) Fail("another event as the payload");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  // The parser skips a byte order mark, and takes a NUL byte behind the document for the end of the input.
  if (body.starts_with("\xEF\xBB\xBF") || body.find('\0') != std::string::npos) return 0;
  const Parsed parsed = Parse(body);
  if (parsed.is_comparable) Compare(parsed, dedup::sidecar::ParseBatch(body));
  return 0;
}
