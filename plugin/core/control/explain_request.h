// What the command "explain" is asked about, and what it answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/deduplicator.h"
#include "plugin/core/event/publish.h"
#include "plugin/core/text/json.h"

namespace dedup {

/// A message, as somebody describes it.
class ExplainRequest {
 public:
  /// Reads the members of a command, a valid JSON object:
  ///
  ///     {"topic":"a/b","payload":"21.5","client_id":"c","username":"u","properties":{"event_id":"7"}}
  ///
  /// `payload`: a string, which stands for its characters, or any other JSON value, for its text as it stands; or
  /// `payload_base64`. `properties`: an object, or an array of pairs where names come twice. All but the topic may be
  /// left out. Nothing when it cannot be used; `problem` says what is wrong, and what is expected.
  static std::optional<ExplainRequest> Read(std::string_view command, std::string* problem);

  /// Holds as long as this is not moved.
  Publish View();

 private:
  std::string SetMember(std::string_view name, const json::Value& value);
  std::string SetProperties(const json::Value& value);

  std::string topic_;
  std::string payload_;
  std::string client_id_;
  std::string username_;
  std::vector<std::pair<std::string, std::string>> properties_;
  std::vector<UserProperty> property_views_;
  bool has_payload_ = false;
};

/// {"verdict":…,"seq":…,"rule":…,"key":…,"observed":…,"asked":[…],"payload_note":…}; null where there is nothing.
std::string ExplainedJson(const Explained& explained);

}  // namespace dedup
