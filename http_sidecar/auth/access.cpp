#include "http_sidecar/auth/access.h"

namespace dedup::sidecar {

std::optional<Problem> Refusal(Access access, const std::optional<Caller>& caller) {
  if (access == Access::kOpen) return std::nullopt;
  if (!caller) return Problem{problems::kTokenUnknown, "this token is not known here"};
  if (caller->is_stranger()) {
    return Problem{problems::kTokenMissing, "this takes a token: Authorization: Bearer TOKEN"};
  }
  if (access == Access::kPublish && !caller->may_publish_something()) {
    return Problem{problems::kScopeMissing, caller->LackOf("publish")};
  }
  if (access == Access::kRead && !caller->may_read_something()) {
    return Problem{problems::kScopeMissing, caller->LackOf("read")};
  }
  if (access == Access::kReadEverything && !caller->may_read_everything()) {
    return Problem{problems::kScopeMissing,
                   caller->LackOf("read", "#") + ": what this shows cannot be told apart by topic"};
  }
  return std::nullopt;
}

std::optional<Problem> Narrow(const Caller& caller, EventFilter* filter) {
  if (filter->has_plain_topic() && !caller.MayRead(filter->topic)) {
    return Problem{problems::kScopeMissing, "topic: " + caller.LackOf("read", filter->topic)};
  }
  caller.Narrow(filter);
  return std::nullopt;
}

}  // namespace dedup::sidecar
