// What can be wrong with a request: the problem types that clients may rely on.
#pragma once

#include <string>
#include <string_view>

namespace dedup::sidecar {

/// A kind of problem (RFC 9457). Clients tell problems apart by `name`, so it never changes; openapi.json says what to
/// do about each.
struct ProblemType {
  int status = 0;  ///< of the HTTP answer
  std::string_view name;
  std::string_view title;
  std::string_view challenge = {};  ///< the header WWW-Authenticate (RFC 6750, 3), where it has one
};

namespace problems {

inline constexpr ProblemType kMalformedRequest{400, "malformed-request", "The request is malformed"};
inline constexpr ProblemType kInvalidParameter{400, "invalid-parameter", "A parameter has an invalid value"};
inline constexpr ProblemType kInvalidJson{400, "invalid-json", "The body is not valid JSON"};
inline constexpr ProblemType kTokenMissing{401, "token-missing", "This takes a token",
                                           "Bearer realm=\"mosquitto-dedup\""};
inline constexpr ProblemType kTokenUnknown{401, "token-unknown", "The token is not known",
                                           "Bearer realm=\"mosquitto-dedup\", error=\"invalid_token\""};
inline constexpr ProblemType kScopeMissing{403, "scope-missing", "The token may not do this",
                                           "Bearer realm=\"mosquitto-dedup\", error=\"insufficient_scope\""};
inline constexpr ProblemType kForeignPage{403, "foreign-page", "Pages of other sites may not do this"};
inline constexpr ProblemType kForbiddenByBroker{403, "forbidden-by-broker", "The broker does not allow it"};
inline constexpr ProblemType kNotFound{404, "not-found", "There is no such thing"};
inline constexpr ProblemType kMethodNotAllowed{405, "method-not-allowed", "The path does not take this method"};
inline constexpr ProblemType kRequestTimeout{408, "request-timeout", "The body did not come in time"};
inline constexpr ProblemType kKeyInUse{409, "idempotency-key-in-use", "The Idempotency-Key's request is being served"};
inline constexpr ProblemType kTooLarge{413, "too-large", "The body or an event is too large"};
inline constexpr ProblemType kTargetTooLong{414, "target-too-long", "The request line is too long"};
inline constexpr ProblemType kUnsupportedEncoding{415, "unsupported-encoding", "The body's encoding is not understood"};
inline constexpr ProblemType kInvalidRange{416, "invalid-range", "The Range header is malformed"};
inline constexpr ProblemType kInvalidEvent{422, "invalid-event", "An event is invalid"};
inline constexpr ProblemType kInvalidMessage{422, "invalid-message", "The message is invalid"};
inline constexpr ProblemType kUnsupportedByBroker{422, "unsupported-by-broker", "The broker does not offer it"};
inline constexpr ProblemType kKeyReused{422, "idempotency-key-reused", "The Idempotency-Key is of another request"};
inline constexpr ProblemType kTooManyRequests{429, "too-many-requests", "Too many requests"};
inline constexpr ProblemType kTooManyConnections{429, "too-many-connections", "Too many connections"};
inline constexpr ProblemType kHeadTooLarge{431, "head-too-large", "The request's headers are too large"};
inline constexpr ProblemType kInternalError{500, "internal-error", "The sidecar has failed"};
inline constexpr ProblemType kBrokerUnavailable{503, "broker-unavailable", "The broker cannot be reached"};
inline constexpr ProblemType kStoreUnavailable{503, "store-unavailable", "The event store cannot be read"};
inline constexpr ProblemType kTooManyWatchers{503, "too-many-watchers", "Too many clients watch"};
inline constexpr ProblemType kBusy{503, "busy", "The service has too much to do"};
inline constexpr ProblemType kNotReady{503, "not-ready", "The service is not ready"};

}  // namespace problems

/// A request that cannot be served as it stands, with a sentence for the one who sent it.
struct Problem {
  ProblemType type;
  std::string detail;
};

}  // namespace dedup::sidecar
