#include "http_sidecar/publish/line_stream.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "http_sidecar/http/answer.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kLineBytesMax = std::size_t{16} << 20;

// Else it is the whole stream's.
bool IsOfOneEvent(const Problem& problem) { return problem.type.status < 500 && problem.type.status != 401; }

std::string FlawText(std::size_t index, const Problem& problem) {
  ObjectText text;
  text.Add("line", index + 1).AddText("verdict", IsOfOneEvent(problem) ? "invalid" : "failed");
  AddProblem(problem, &text);
  return text.Take();
}

// What is left of a batch that was refused as a whole because of one of its events.
std::shared_ptr<Batch> Only(const Batch& batch, std::size_t index) {
  return std::get<std::shared_ptr<Batch>>(ParseBatch(std::string(batch.events[index].payload)));
}

}  // namespace

bool LineStream::AppendNext(std::string* out) {
  while (out->empty() && !is_over_) Publish(NextLines(out), out);
  if (is_over_ && options_.summary) AppendSummary(out);
  return !is_over_;
}

// Whole lines, unless the body ends without a line's end.
std::string LineStream::NextLines(std::string* out) {
  for (;;) {
    const std::size_t searched = unread_.size();
    try {
      is_over_ = !read_body_(&unread_);
    } catch (const std::exception& error) {
      is_over_ = true;
      out->append(FlawText(lines_, {problems::kMalformedRequest, error.what()})).push_back('\n');
      return {};  // a line that was cut is none
    }
    if (is_over_) return std::exchange(unread_, {});
    // Only in what is new, for that may be a byte of a line of 16 MiB.
    const std::size_t end = std::string_view(unread_).substr(searched).rfind('\n');
    if (end != std::string_view::npos) {
      std::string lines = unread_.substr(0, searched + end + 1);
      unread_.erase(0, lines.size());
      return lines;
    }
    if (unread_.size() > kLineBytesMax) {
      is_over_ = true;
      out->append(FlawText(lines_, {problems::kTooLarge, "is longer than 16 MiB"})).push_back('\n');
      return {};
    }
  }
}

void LineStream::AppendSummary(std::string* out) const {
  ObjectText counts;
  counts.Add("total_received", processed_ + duplicates_ + passed_ + invalid_ + failed_)
      .Add("processed", processed_)
      .Add("duplicates", duplicates_)
      .Add("passed", passed_)
      .Add("invalid", invalid_)
      .Add("failed", failed_);
  out->append(ObjectText().AddRaw("summary", counts.Take()).Take()).push_back('\n');
}

void LineStream::Publish(std::string body, std::string* out) {
  const auto count = static_cast<std::size_t>(std::ranges::count(body, '\n'));
  const Lines lines = ParseLines(std::move(body), lines_);
  lines_ += count;
  std::vector<std::string> results;
  PublishEvents(lines, &results);
  auto flaw = lines.flaws.begin();
  const auto append_flaws = [&](std::size_t before) {
    for (; flaw != lines.flaws.end() && flaw->index < before; ++flaw) {
      out->append(FlawText(flaw->index, flaw->problem)).push_back('\n');
      ++invalid_;
    }
  };
  for (std::size_t i = 0; i < results.size(); ++i) {
    append_flaws(lines.indexes[i]);
    if (!results[i].empty()) out->append(results[i]).push_back('\n');
  }
  append_flaws(SIZE_MAX);
}

void LineStream::Count(Verdict verdict) {
  ++(verdict == Verdict::kProcessed ? processed_ : verdict == Verdict::kDuplicate ? duplicates_ : passed_);
}

// A result for each event; empty where only the summary tells of it.
void LineStream::PublishEvents(const Lines& lines, std::vector<std::string>* results) {
  const auto publish = [&](const std::shared_ptr<Batch>& batch) -> std::optional<Problem> {
    if (!tokens_->Hold(caller_)) return Problem{problems::kTokenUnknown, "the token was taken back meanwhile"};
    try {
      const auto published = intake_->Publish(caller_, batch, options_);
      if (const auto* const problem = std::get_if<Problem>(&published)) return *problem;
      const auto& known = std::get<std::vector<Result>>(published);
      for (std::size_t i = 0; i < known.size(); ++i) {
        Count(known[i].outcome.verdict);
        results->push_back(options_.summary ? "" : ResultText(batch->events[i], known[i]));
      }
      return std::nullopt;
    } catch (const StorageError& error) {
      return StoreTrouble(error);
    }
  };
  auto problem = publish(lines.batch);
  if (!problem) return;
  // One event's fault is not the others'. Those that were published all the same are duplicates now.
  bool is_away = !IsOfOneEvent(*problem);
  for (std::size_t i = results->size(); i < lines.batch->events.size(); ++i) {
    if (!is_away) problem = publish(Only(*lines.batch, i));
    if (!problem) continue;
    results->push_back(FlawText(lines.indexes[i], *problem));
    ++(IsOfOneEvent(*problem) ? invalid_ : failed_);
    is_away = !IsOfOneEvent(*problem);
  }
  is_over_ = is_over_ || is_away;
}

}  // namespace dedup::sidecar
