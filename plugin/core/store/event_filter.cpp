#include "plugin/core/store/event_filter.h"

#include "plugin/core/text/topic_filter.h"

namespace dedup {

bool EventFilter::has_times() const {
  return since_us != std::numeric_limits<std::int64_t>::min() || until_us != std::numeric_limits<std::int64_t>::max();
}

bool EventFilter::MatchesTopic(std::string_view event_topic) const {
  return (topic.empty() || MatchesFilter(event_topic, topic)) && (within.empty() || MatchesAny(event_topic, within));
}

bool EventFilter::Matches(const StoredEvent& event) const {
  return MatchesTopic(event.topic) && (!event_id || (event.rule.empty() && event.event_id == *event_id)) &&
         (!key || (!event.rule.empty() && event.event_id == *key)) && (!rule || event.rule == *rule) &&
         (!source || event.source == *source) && event.received_us >= since_us && event.received_us < until_us;
}

}  // namespace dedup
