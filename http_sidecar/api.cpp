#include "api.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "errors.h"
#include "event.h"
#include "event_json.h"
#include "json.h"
#include "uptime.h"

namespace dedup::sidecar {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPageEventsMin = 16;  // at first, when nobody knows yet how big events are
constexpr std::size_t kPageEventsMax = 1000;
constexpr std::size_t kPageBytes = std::size_t{1} << 20;
constexpr std::size_t kSmallBodyBytes = 32 * 1024;  // less than the smallest journal
constexpr std::chrono::milliseconds kStoredPollInterval{1};
constexpr std::chrono::seconds kStoredPatience{3};

std::string StoreTrouble(const StorageError& error) {
  return std::string("the event store cannot be read: ") + error.what();
}

Answer ErrorAnswer(const Problem& problem) { return sidecar::ErrorAnswer(problem.status, problem.detail); }

Answer StoreAway(const StorageError& error) { return sidecar::ErrorAnswer(503, StoreTrouble(error)); }

Answer StoreBehind() { return sidecar::ErrorAnswer(503, "the event store is more than 3 s behind; try again later"); }

std::string Quoted(std::string_view text) {
  std::string quoted;
  json::AppendQuoted(text, &quoted);
  return quoted;
}

/// {"a":1,"b":"text"}, member by member.
class ObjectText {
 public:
  ObjectText& Add(std::string_view name, std::uint64_t number) { return AddRaw(name, std::to_string(number)); }
  ObjectText& AddText(std::string_view name, std::string_view text) { return AddRaw(name, Quoted(text)); }
  ObjectText& AddRaw(std::string_view name, std::string_view value) {
    text_.append(text_.size() == 1 ? "\"" : ",\"").append(name).append("\":").append(value);
    return *this;
  }
  std::string Take() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

std::string ArrayText(const std::vector<std::string_view>& texts) {
  std::string array = "[";
  for (const std::string_view text : texts) {
    if (array.size() > 1) array.push_back(',');
    array.append(text);
  }
  return array + "]";
}

std::uint64_t Received(const Statistics& statistics) { return statistics.processed + statistics.duplicates; }

// An event that is larger than the whole journal can never be stored: the broker would cut our connection, and with it
// everybody else's requests, as often as it was sent.
std::optional<Problem> CheckFits(const Batch& batch, std::uint64_t journal_bytes) {
  constexpr std::size_t kRecordOverheadMax = 1024;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    const Event& event = batch.events[i];
    if (event.payload.size() + event.topic.size() + kRecordOverheadMax > journal_bytes) {
      return Problem{413, EventProblem(i, "", "is larger than the plugin's journal").detail};
    }
  }
  return std::nullopt;
}

// An event that was let pass (the store failed and the plugin was told to carry on) went to the subscribers like one
// that was processed.
Answer PublishAnswer(const Batch& batch, const std::vector<Verdict>& verdicts, const Statistics& statistics) {
  std::vector<std::string_view> processed;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i] != Verdict::kDuplicate) processed.push_back(batch.events[i].event_id_text);
  }
  return {200, ObjectText()
                   .AddText("status", "ok")
                   .AddRaw("processed", ArrayText(processed))
                   .Add("duplicates", verdicts.size() - processed.size())
                   .Add("total_received", verdicts.size())
                   .Add("accepted", verdicts.size())
                   .Add("received_total", Received(statistics))
                   .Take()};
}

}  // namespace

Answer ErrorAnswer(int status, std::string_view detail) {
  return {status, ObjectText().AddText("detail", detail).Take()};
}

EventListing::EventListing(ReaderPool* readers, std::string topic, std::uint64_t up_to_seq)
    : readers_(readers), topic_(std::move(topic)), up_to_seq_(up_to_seq), page_size_(kPageEventsMin) {}

bool EventListing::AppendNext(std::string* out) {
  const std::size_t begin = out->size();
  std::size_t taken = 0;
  std::size_t found = 0;
  if (after_seq_ < up_to_seq_) {
    found = readers_->Use([&](EventReader& reader) {
      return reader.ReadEvents(topic_, after_seq_, up_to_seq_, page_size_, [&](const StoredEvent& event) {
        if (out->size() - begin >= kPageBytes) return;
        out->append(std::exchange(is_first_, false) ? "[" : ",\n");
        AppendEventJson(event, out);
        after_seq_ = event.seq;
        ++taken;
      });
    });
  }
  if (found == page_size_ || taken < found) {
    // Big events: ask for no more of them than fill a piece.
    page_size_ = std::min(2 * taken, kPageEventsMax);
    return true;
  }
  out->append(is_first_ ? "[]" : "]");
  return false;
}

Api::Api(std::filesystem::path data_dir, Publisher* publisher)
    : readers_(std::move(data_dir)), publisher_(publisher), journal_gate_([this] { return ReadStatistics(); }) {}

Answer Api::Publish(std::string body) {
  auto parsed = ParseBatch(std::move(body));
  if (const auto* problem = std::get_if<Problem>(&parsed)) return ErrorAnswer(*problem);
  const auto& batch = std::get<std::shared_ptr<const Batch>>(parsed);
  try {
    std::optional<JournalGate::Pass> pass;
    if (batch->body.size() > kSmallBodyBytes) {
      if (const auto problem = CheckFits(*batch, ReadStatistics().journal_size_bytes)) return ErrorAnswer(*problem);
      if (!journal_gate_.Enter(batch->body.size(), kStoredPatience, &pass)) return StoreBehind();
    }
    std::vector<Verdict> verdicts;
    if (!batch->events.empty()) {
      auto published = publisher_->Publish(batch);
      if (const auto* problem = std::get_if<Problem>(&published)) return ErrorAnswer(*problem);
      verdicts = std::get<std::vector<Verdict>>(std::move(published));
    }
    return PublishAnswer(*batch, verdicts, ReadStatistics());
  } catch (const StorageError& error) {
    return StoreAway(error);
  }
}

std::variant<EventsAnswer, Answer> Api::Events(std::string topic) {
  try {
    const auto statistics = AwaitStored();
    if (!statistics) return StoreBehind();
    EventsAnswer answer{{}, EventListing(&readers_, std::move(topic), statistics->accepted_seq)};
    if (!answer.rest->AppendNext(&answer.beginning)) answer.rest.reset();
    return answer;
  } catch (const StorageError& error) {
    return StoreAway(error);
  }
}

Answer Api::Stats() {
  try {
    const auto statistics = AwaitStored();
    if (!statistics) return StoreBehind();
    std::vector<std::string> topics = readers_.Use([](EventReader& reader) { return reader.Topics(); });
    std::ranges::transform(topics, topics.begin(), Quoted);
    const auto uptime = Clock::now() - start_;
    char uptime_seconds[32];
    std::snprintf(uptime_seconds, sizeof uptime_seconds, "%.3f", std::chrono::duration<double>(uptime).count());
    return {200, ObjectText()
                     .Add("received", Received(*statistics))
                     .Add("unique_processed", statistics->processed)
                     .Add("duplicate_dropped", statistics->duplicates)
                     .AddRaw("topics", ArrayText({topics.begin(), topics.end()}))
                     .AddText("uptime", FormatUptime(std::chrono::duration_cast<std::chrono::seconds>(uptime)))
                     .AddRaw("uptime_seconds", uptime_seconds)
                     .Add("passed", statistics->passed)
                     .Add("refused", statistics->refused)
                     .Add("invalid_ids", statistics->invalid_ids)
                     .Add("unstored", statistics->unstored)
                     .Add("journal_used_bytes", statistics->journal_used_bytes)
                     .Add("journal_size_bytes", statistics->journal_size_bytes)
                     .Take()};
  } catch (const StorageError& error) {
    return StoreAway(error);
  }
}

Answer Api::Health() {
  std::string trouble = publisher_->Trouble();
  try {
    const Statistics statistics = readers_.Use([](EventReader& reader) {
      reader.StoredSeq();
      return reader.ReadStatistics();
    });
    const auto add = [&trouble](std::string_view text) { (trouble += trouble.empty() ? "" : "; ") += text; };
    if (statistics.store_failing) add("the broker cannot store events; they wait in its journal");
    if (statistics.journal_failing) add("the broker cannot sync its journal, so it refuses events");
  } catch (const StorageError& error) {
    trouble = (trouble.empty() ? "" : trouble + "; ") + StoreTrouble(error);
  }
  if (!trouble.empty()) {
    return {503, ObjectText().AddText("status", "unavailable").AddText("detail", trouble).Take()};
  }
  return {200, ObjectText().AddText("status", "ok").Take()};
}

Answer Api::Service() {
  return {200, ObjectText()
                   .AddText("service", "mosquitto-dedup")
                   .AddText("version", DEDUP_VERSION)
                   .AddText("status", "running")
                   .AddRaw("available_endpoints", R"(["/publish","/events","/stats","/health","/healthz"])")
                   .Take()};
}

Statistics Api::ReadStatistics() {
  return readers_.Use([](EventReader& reader) { return reader.ReadStatistics(); });
}

// What was acknowledged before this call is in the store when it returns: the counters then, or nothing when that took
// too long.
std::optional<Statistics> Api::AwaitStored() {
  const Clock::time_point deadline = Clock::now() + kStoredPatience;
  const Statistics statistics = ReadStatistics();
  while (readers_.Use([](EventReader& reader) { return reader.StoredSeq(); }) < statistics.accepted_seq) {
    if (Clock::now() > deadline) return std::nullopt;
    std::this_thread::sleep_for(kStoredPollInterval);
  }
  return statistics;
}

}  // namespace dedup::sidecar
