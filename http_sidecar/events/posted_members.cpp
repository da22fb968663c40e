#include "http_sidecar/events/posted_members.h"

namespace dedup::sidecar {
namespace {

json::Value* Named(std::string_view name, PostedMembers* members) {
  if (name == "event_id") return &members->event_id;
  if (name == "timestamp") return &members->timestamp;
  if (name == "source") return &members->source;
  if (name == "payload") return &members->payload;
  return nullptr;
}

}  // namespace

bool ReadPostedMembers(std::string_view payload, PostedMembers* members) {
  json::Reader reader(payload);
  if (!reader.EnterObject()) return false;
  std::string_view name;
  json::Value value;
  while (reader.NextMember(&name, &value)) {
    json::Value* member = Named(json::Inner(name), members);
    if (member == nullptr && reader.has_escapes()) member = Named(json::Unescape(name), members);
    if (member != nullptr && member->text.empty()) *member = value;
  }
  if (reader.ok()) return true;
  *members = {};
  return false;
}

}  // namespace dedup::sidecar
