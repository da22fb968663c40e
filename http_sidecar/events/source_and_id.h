// The identity of a CloudEvent, of which `id` is but a part.
#pragma once

#include <string>
#include <string_view>

namespace dedup::sidecar {

/// Two events of the same topic are the same when `source` and `id` are (CloudEvents 1.0, 3.1): both as one event id of
/// 1 to 256 bytes that MQTT takes in a user property and that no other pair has.
///
///     /plant/1|42         with \| and \\ for | and \, \x0a for control characters; as a rule's key is written whose
///                         parts these two are
///     sha256:8c2f…        the hash of that text, where it is longer or MQTT would not take it
///
/// Both are valid UTF-8.
std::string IdOfSourceAndId(std::string_view source, std::string_view id);

}  // namespace dedup::sidecar
