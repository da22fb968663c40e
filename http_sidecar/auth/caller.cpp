#include "http_sidecar/auth/caller.h"

#include <algorithm>

#include "plugin/core/text/topic_filter.h"

namespace dedup::sidecar {

bool Caller::MayPublish(std::string_view topic) const {
  return token_ == nullptr ? !is_stranger() : MatchesAny(topic, token_->publish);
}

bool Caller::MayRead(std::string_view topic) const {
  return token_ == nullptr ? !is_stranger() : MatchesAny(topic, token_->read);
}

bool Caller::may_publish_something() const { return token_ == nullptr ? !is_stranger() : !token_->publish.empty(); }

bool Caller::may_read_something() const { return token_ == nullptr ? !is_stranger() : !token_->read.empty(); }

bool Caller::may_read_everything() const {
  return token_ == nullptr ? !is_stranger() : std::ranges::find(token_->read, "#") != token_->read.end();
}

void Caller::Narrow(EventFilter* filter) const {
  if (!may_read_everything()) filter->within = token_->read;
}

std::string Caller::LackOf(std::string_view scope, std::string_view topic) const {
  std::string text = "the token \"" + name() + "\" lacks the scope ";
  text.append(scope);
  return topic.empty() ? text : text.append(" for \"").append(topic).append("\"");
}

}  // namespace dedup::sidecar
