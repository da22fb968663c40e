// POST /publish with a stream of events, a line each, answered with a stream of results.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "http_sidecar/auth/tokens.h"
#include "http_sidecar/publish/intake.h"
#include "http_sidecar/publish/parse_batch.h"
#include "http_sidecar/publish/publish_options.h"

namespace dedup::sidecar {

/// Publishes what has arrived, whole lines of it, and then says what became of it, a line for each event in order:
/// {"event_id":"a","verdict":"processed","seq":17}, or {"line":3,"verdict":"invalid","type":…,"detail":…}; an invalid
/// line does not keep the others back. With `summary` there is a line for each invalid or failed one only, and in the
/// end
/// {"summary":{"total_received":3,"processed":1,…}}. When the broker is away, or the caller's token is taken back, the
/// lines that wait fail, and the stream ends.
///
/// Memory: what one read brings, or the longest line, at most 16 MiB. Threading: one thread at a time. Intake and
/// tokens must outlive it.
class LineStream {
 public:
  /// `read_body` appends what comes next of the body; false at its end. What it throws ends the stream.
  LineStream(Intake* intake, const Tokens* tokens, Caller caller, std::function<bool(std::string*)> read_body,
             const PublishOptions& options)
      : intake_(intake),
        tokens_(tokens),
        caller_(std::move(caller)),
        read_body_(std::move(read_body)),
        options_(options) {}

  /// Appends the next results. False when there are no more.
  bool AppendNext(std::string* out);

 private:
  std::string NextLines(std::string* out);
  void Publish(std::string body, std::string* out);
  void PublishEvents(const Lines& lines, std::vector<std::string>* results);
  void Count(Verdict verdict);
  void AppendSummary(std::string* out) const;

  Intake* intake_;
  const Tokens* tokens_;
  Caller caller_;
  std::function<bool(std::string*)> read_body_;
  PublishOptions options_;
  std::string unread_;  // begins with a line
  std::size_t lines_ = 0;
  std::size_t processed_ = 0, duplicates_ = 0, passed_ = 0, invalid_ = 0, failed_ = 0;
  bool is_over_ = false;
};

}  // namespace dedup::sidecar
