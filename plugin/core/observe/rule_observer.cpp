#include "plugin/core/observe/rule_observer.h"

#include <algorithm>
#include <utility>

#include "plugin/core/base/clock.h"
#include "plugin/core/rules/key_words.h"

namespace dedup {
namespace {

constexpr std::int64_t kSampleInterval_ms = 1000;
// Of each list in a report.
constexpr std::size_t kRowsMax = 5;

}  // namespace

ObserverTools::ObserverTools(const HashSecret& secret) : marks(secret), beginning_(secret) {
  beginning_.Add(FirstWord(HashUse::kObserved));
}

std::uint32_t ObserverTools::HashOf(std::string_view text) const {
  SipHash128 hash = beginning_;
  hash.Add(text.size());
  hash.Add(text);
  return static_cast<std::uint32_t>(hash.Finish().low);
}

RuleObserver::RuleObserver(ObserverTools& tools, const Room& room, std::int64_t window_ms, bool are_protobuf)
    : tools_(tools),
      room_(room),
      window_ms_(window_ms),
      are_protobuf_(are_protobuf),
      keys_(room.keys_max, window_ms),
      first_samples_(room.first_samples),
      since_(UtcTimestamp()) {
  samples_.reserve(kSamplesMax);
}

void RuleObserver::SwapRoom(RuleObserver& other) noexcept {
  std::swap(keys_, other.keys_);
  std::swap(first_samples_, other.first_samples_);
  std::swap(room_, other.room_);
}

RuleObserver::Copy RuleObserver::Look(std::uint64_t key, const Publish& publish, std::int64_t now_ms) noexcept {
  Copy copy = {.first = keys_.Find(key, now_ms),
               .payload_mark = tools_.marks.Of(publish.payload),
               .topic_hash = tools_.HashOf(publish.topic),
               .client_hash = tools_.HashOf(publish.client_id),
               .now_ms = now_ms};
  if (copy.first != nullptr) {
    copy.gap_ms = now_ms - copy.first->first_ms;
    return copy;
  }
  ++firsts_;
  ObservedKeys::Key& first = keys_.Add(key, now_ms);
  first.payload_mark = copy.payload_mark;
  first.topic_hash = copy.topic_hash;
  first.client_hash = copy.client_hash;
  try {
    first.sample = first_samples_.Take(key, publish, now_ms);
  } catch (...) {  // no memory
  }
  return copy;
}

void RuleObserver::NoteCopy(const Copy& copy, const Publish& publish, std::string_view key_text) noexcept {
  const ObservedKeys::Key& first = *copy.first;
  gaps_.Add(copy.gap_ms);
  same_payload_ += first.payload_mark == copy.payload_mark ? 1 : 0;
  other_client_ += first.client_hash == copy.client_hash ? 0 : 1;
  other_topic_ += first.topic_hash == copy.topic_hash ? 0 : 1;
  clients_.Add(copy.client_hash);
  topics_.Add(copy.topic_hash);
  key_copies_.Count(key_text, true);
  try {
    if (first.sample != 0) Compare(copy, publish, key_text);
  } catch (...) {  // no memory
  }
}

// In detail, where the first message is there whole.
void RuleObserver::Compare(const Copy& copy, const Publish& publish, std::string_view key_text) {
  const FirstSamples::Sample* const first = first_samples_.Use(copy.first->sample, copy.first->hash);
  if (first == nullptr) return;
  const bool is_same = copy.first->payload_mark == copy.payload_mark;
  const bool shows = copy.now_ms >= next_sample_ms_;
  if (is_same && !shows) return;
  if (!tools_.MayCompare(copy.now_ms)) return first_samples_.Drop(copy.first->sample);
  if (!is_same) {
    ++differing_;
    for (const std::string& place : tools_.comparison.Compare(first->payload(), publish.payload, are_protobuf_)) {
      places_.Count(place, true);
    }
  }
  // Another key's is worth more than one more copy of this one.
  if (!is_same) first_samples_.Drop(copy.first->sample);
  if (!shows) return;
  next_sample_ms_ = copy.now_ms + kSampleInterval_ms;
  const auto message = [](std::string topic, std::string client_id, std::string_view payload) {
    return CopySample::Message{std::move(topic), std::move(client_id), std::string(payload.substr(0, kSampleBytesMax)),
                               payload.size()};
  };
  KeepSample({.at = UtcTimestamp(),
              .key = std::string(key_text),
              .gap_ms = copy.gap_ms,
              .has_same_payload = is_same,
              .first = message(first->topic, first->client_id, first->payload()),
              .copy = message(Beginning(publish.topic, FirstSamples::kTextBytesMax),
                              Beginning(publish.client_id, FirstSamples::kTextBytesMax), publish.payload)});
}

// The newest ones, but of each key one, so that five copies of one event are not all there is to see.
void RuleObserver::KeepSample(CopySample sample) {
  auto place = std::ranges::find(samples_, sample.key, &CopySample::key);
  if (place == samples_.end() && samples_.size() == kSamplesMax) --place;
  if (place != samples_.end()) samples_.erase(place);
  samples_.insert(samples_.begin(), std::move(sample));
}

Observations RuleObserver::Report() const {
  return {.since = since_,
          .firsts = firsts_,
          .copies = gaps_.count(),
          .same_payload = same_payload_,
          .other_client = other_client_,
          .other_topic = other_topic_,
          .clients = clients_.Estimate(),
          .topics = topics_.Estimate(),
          .gap_p50_ms = gaps_.Percentile_ms(50),
          .gap_p99_ms = gaps_.Percentile_ms(99),
          .gap_max_ms = gaps_.max_ms(),
          .keys = key_copies_.Top(kRowsMax),
          .differing = differing_,
          .places = places_.Top(kRowsMax),
          .samples = samples_,
          .keys_remembered = keys_.size(),
          .keys_max = keys_.keys_max(),
          .keys_forgotten_early = keys_.forgotten_early(),
          .reach_ms = keys_.reach_ms()};
}

}  // namespace dedup
