#include "http_sidecar/mqtt/batch.h"

namespace dedup::sidecar {

Problem EventProblem(std::size_t index, std::string_view member, std::string_view reason) {
  std::string detail = "events[" + std::to_string(index) + "]";
  if (!member.empty()) detail.append(".").append(member);
  return {problems::kInvalidEvent, detail.append(": ").append(reason)};
}

}  // namespace dedup::sidecar
