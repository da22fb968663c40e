// CloudEvents 1.0 in the HTTP binding's three modes, as the events that POST /publish takes.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "http_sidecar/http/answer.h"
#include "http_sidecar/mqtt/batch.h"
#include "http_sidecar/publish/parse_batch.h"

namespace dedup::sidecar {

/// Whether a request is one: application/cloudevents+json, application/cloudevents-batch+json, or the header ce-id.
bool IsCloudEvent(const Request& request);

/// The body of a POST /publish that says the same: `id` becomes event_id, `time` timestamp (now where it is missing),
/// `data` becomes payload, and all other attributes stay as they are; `id` stays too, so that a rule finds it. The
/// topic is the extension `topic`, otherwise `default_topic`. In binary mode data that is no JSON becomes a string
/// where it is text, otherwise data_base64. The problem, a 400 or 422, names the attribute.
std::variant<std::string, Problem> FromCloudEvents(const Request& request, std::string_view default_topic);

/// Has the plugin take `source` and `id` together for the id of each event of a batch that was made of such a body.
void IdentifyBySource(Batch* batch);

}  // namespace dedup::sidecar
