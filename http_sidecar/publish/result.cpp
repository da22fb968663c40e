#include "http_sidecar/publish/result.h"

#include <string_view>

#include "http_sidecar/base/time.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {
namespace {

std::string_view VerdictText(const Result& result) {
  return result.is_conflict ? "conflict" : NameOf(result.outcome.verdict);
}

}  // namespace

std::string ResultText(const Event& event, const Result& result) {
  ObjectText text;
  text.AddRaw("event_id", event.event_id_text).AddText("verdict", VerdictText(result));
  if (result.outcome.seq != 0) text.Add("seq", result.outcome.seq);
  if (result.first_received_us) text.AddText("first_received_at", FormatTime(*result.first_received_us));
  return text.Take();
}

}  // namespace dedup::sidecar
