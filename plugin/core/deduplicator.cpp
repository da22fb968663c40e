#include "plugin/core/deduplicator.h"

#include <chrono>
#include <exception>
#include <utility>

#include "plugin/core/base/errors.h"
#include "plugin/core/event/event_id.h"
#include "plugin/core/rules/rules_file.h"

namespace dedup {
namespace {

constexpr std::int64_t kRetryInterval_ms = 2000;

std::string StartLine(const Options& options, const OpenDirectory& directory,
                      std::chrono::steady_clock::duration took) {
  const std::uint64_t unstored = directory.unstored_at_start();
  return "mosquitto-dedup " DEDUP_VERSION ": " + std::to_string(directory.event_count()) + " event ids in " +
         options.data_dir.string() + ", ready after " +
         std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) + " ms" +
         (unstored == 0 ? "" : "; the newest " + std::to_string(unstored) + " events are being stored");
}

// The broker asks the plugin before it matches a retransmitted QoS 2 publish with the message that it holds, so all
// copies must become equal: each is replaced, and the first is handed on by the plugin.
// What the plugin hands on, the broker queues: an event behind one of those takes the same way.
Action ActionFor(const Taken& taken, std::uint8_t qos) {
  switch (taken.verdict) {
    case Verdict::kProcessed:
      return qos == 2 || taken.is_behind ? Action::kHandOnAndReplace : Action::kLetThrough;
    case Verdict::kDuplicate:
      return Action::kReplace;
    case Verdict::kPassed:
      return Action::kLetThrough;
    case Verdict::kRefused:
      break;
  }
  return Action::kRefuse;
}

// Another directory to start the broker in would be another data directory, and every id forgotten.
void MakeAbsolute(const char* option, std::filesystem::path* path, LogQueue& log) {
  if (path->empty() || path->is_absolute()) return;
  const std::string given = path->string();
  *path = std::filesystem::absolute(*path);
  log.Add(LogLevel::kWarning,
          std::string(option) + " " + given +
              " is no absolute path, so it depends on where the broker is started; this time it is " + path->string());
}

Options WithAbsolutePaths(Options options, LogQueue& log) {
  MakeAbsolute("plugin_opt_data_dir", &options.data_dir, log);
  MakeAbsolute("plugin_opt_rules_file", &options.rules_file, log);
  return options;
}

DefaultRule DefaultRuleOf(const Options& options) {
  return {.topics = options.topics, .id_property = options.id_property, .id_member = options.id_member};
}

std::string RulesTrouble(const Options& options, const std::vector<std::string>& errors) {
  std::string trouble = "plugin_opt_rules_file " + options.rules_file.string() + ": ";
  for (const std::string& error : errors) trouble += (&error == errors.data() ? "" : " | ") + error;
  return trouble;
}

// Errors: OptionError.
RuleSet ReadRules(const Options& options, LogQueue& log, std::vector<std::string>* warnings) {
  if (options.rules_file.empty()) return {.rules = {}, .default_rule = DefaultRuleOf(options)};
  RulesFile file = ReadRulesFile(options.rules_file, DefaultRuleOf(options));
  if (!file.rules) throw OptionError(RulesTrouble(options, file.errors));
  for (const std::string& warning : file.warnings) log.Add(LogLevel::kWarning, RulesTrouble(options, {warning}));
  *warnings = std::move(file.warnings);
  log.Add(LogLevel::kNotice,
          std::to_string(file.rules->rules.size()) + " rules of " + options.rules_file.string() + " are in use");
  return *std::move(file.rules);
}

static_assert(kForever.count() == kForeverWindow);
EventRule EventRuleOf(const Rule& rule) {
  return {.name = rule.name,
          .key = {},
          .window_ms = rule.window ? rule.window->count() : kPluginWindow,
          .is_id_only = rule.store == RuleStore::kId};
}

}  // namespace

Deduplicator::Deduplicator(const Options& options)
    : options_(WithAbsolutePaths(options, log_)),
      conflicts_(std::make_unique<ConflictLink>(MakeHashSecret())),
      watch_(MakeHashSecret(), log_, *conflicts_) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::string> warnings;                   // which the log has
  UseRules(ReadRules(options_, log_, &warnings), {});  // with a secret as soon as there is one
  try {
    Open(Recover(options_, log_));
    log_.Add(LogLevel::kNotice,
             StartLine(options_, std::get<OpenDirectory>(directory_), std::chrono::steady_clock::now() - start));
  } catch (const DataDirInUse&) {
    throw;
  } catch (const std::exception& error) {
    Retry(error.what());
  }
}

void Deduplicator::Open(Recovered recovered) {
  const ClosedDirectory::Meanwhile meanwhile = std::get<ClosedDirectory>(directory_).meanwhile();
  try {
    UseRules(finder_->rules(), recovered.journal->header().secret);
    duplicate_counts_.Begin(recovered.journal->accepted_seq());
    directory_.emplace<OpenDirectory>(std::move(recovered), options_, log_, meanwhile, *conflicts_);
  } catch (...) {  // no thread to be had
    directory_.emplace<ClosedDirectory>(meanwhile);
    throw;
  }
}

void Deduplicator::Retry(const std::string& trouble) {
  try {
    std::get<ClosedDirectory>(directory_).Retry(options_, log_, trouble);
  } catch (const std::exception& error) {  // no thread to be had: OnTurn tries to make one
    next_retry_ms_ = MonotonicMs() + kRetryInterval_ms;
    if (no_thread_log_.Allow(MonotonicMs())) {
      log_.Add(LogLevel::kError, "events cannot be stored: " + trouble + "; and no thread can be made to try again: " +
                                     error.what() + " (said once a minute)");
    }
  }
}

Decision Deduplicator::OnPublish(const Publish& publish) {
  return std::visit([&](auto& directory) { return Decide(directory, publish); }, directory_);
}

// Whether a rule makes a key of a publish decides whether it is an event at all; the directory decides about events.
template <class Directory>
Decision Deduplicator::Decide(Directory& directory, const Publish& publish) {
  // What the index will look at is on its way from memory while the rest of the payload is read.
  const Finding finding = finder_->Find(publish, [&](const KeyHash& key) { directory.Prefetch(key); });
  if (finding.observed) {
    watch_.NoteObserved(*finding.observed, publish, MonotonicMs(), [&] { return finder_->ObservedTextOf(finding); });
  }
  if (finding.status != FindStatus::kKey) return Pass(directory, publish, finding.reason);
  const std::string_view event_id = finder_->KeyTextOf(finding);
  EventRule rule = event_rules_[finding.key.rule];
  rule.key = finding.key.hash;
  const std::int64_t now_us = MonotonicUs();
  const Taken taken = directory.Take(publish, event_id, rule, now_us);
  if (taken.verdict == Verdict::kRefused) return Refuse(directory, publish, event_id, taken.why_refused);
  duplicate_counts_.Note(taken);
  watch_.NoteDecided(finding.key, publish, taken, now_us / 1000, [event_id] { return event_id; });
  return {taken, event_id, ActionFor(taken, publish.qos)};
}

// The finder is whole before it takes the other's place.
void Deduplicator::UseRules(RuleSet rules, const HashSecret& secret) {
  auto finder = std::make_unique<KeyFinder>(std::move(rules), secret);
  std::vector<EventRule> event_rules;
  bool wants_client = false;
  for (const Rule& rule : finder->rules().rules) {
    event_rules.push_back(EventRuleOf(rule));
    wants_client |=
        rule.HasPart(Source::Kind::kClient) || rule.HasPart(Source::Kind::kUsername) || rule.mode == RuleMode::kObserve;
  }
  event_rules.emplace_back();  // the options'
  watch_.Adopt(finder->rules(), options_.window.value_or(kForever), finder_.get());
  event_rules_ = std::move(event_rules);
  finder_ = std::move(finder);
  wants_client_ = wants_client;
}

Reloaded Deduplicator::ReloadRules() {
  if (options_.rules_file.empty()) return {};
  try {
    const auto* const open = std::get_if<OpenDirectory>(&directory_);
    Reloaded reloaded;
    UseRules(ReadRules(options_, log_, &reloaded.warnings), open != nullptr ? open->secret() : HashSecret{});
    reloaded.rules = finder_->rules().rules.size();
    return reloaded;
  } catch (const OptionError& error) {
    log_.Add(LogLevel::kError, std::string(error.what()) + "; the rules stay as they were");
    return {.rules = finder_->rules().rules.size(), .errors = {error.what()}};
  }
}

template <class Directory>
Decision Deduplicator::Pass(Directory& directory, const Publish& publish, InvalidReason invalid) {
  directory.NoteRetained(publish);
  directory.Count(&Counters::passed);
  if (invalid != InvalidReason::kNone) {
    directory.Count(&Counters::invalid_ids);
    if (invalid_id_log_.Allow(MonotonicMs())) {
      log_.Add(LogLevel::kWarning,
               (invalid == InvalidReason::kUnusableId
                    ? "a publish with an unusable event id was passed on as no event: an id is a string of 1 to " +
                          std::to_string(kEventIdBytesMax) + " bytes or an integer"
                    : "a publish whose payload names " + options_.id_member +
                          " but is no JSON (such as NaN, a byte order mark, a NUL at its end) was passed on as no "
                          "event") +
                   " (said once a minute)");
    }
  }
  return {};
}

template <class Directory>
Decision Deduplicator::Refuse(Directory& directory, const Publish& publish, std::string_view event_id,
                              const char* why) {
  const bool pass = options_.on_store_failure == OnStoreFailure::kPass;
  directory.Count(pass ? &Counters::unstored : &Counters::refused);
  if (refused_log_.Allow(MonotonicMs())) {
    log_.Add(LogLevel::kError,
             std::string("an event could not be stored: ") + why +
                 (pass ? "; it was handed on without deduplication" : "; its publisher was disconnected") +
                 " (said once a minute)");
  }
  if (!pass) return {{Verdict::kRefused, 0}, event_id, Action::kRefuse};
  directory.NoteRetained(publish);
  return {};
}

void Deduplicator::OnHandOnFailed(const Publish& publish, const Decision& decision) {
  std::get<OpenDirectory>(directory_).OnHandOnFailed(MakeEvent(publish, decision.event_id, {}, decision.seq, {}));
}

void Deduplicator::OnHandOnFailed(EventInDoubt event) {
  std::get<OpenDirectory>(directory_).OnHandOnFailed(std::move(event));
}

Explained Deduplicator::Explain(const Publish& publish) {
  Explained explained;
  explained.explanation = dedup::Explain(*finder_, publish);
  const Finding& finding = explained.explanation.finding;
  if (finding.observed) explained.is_observed_copy = watch_.IsCopy(*finding.observed, MonotonicMs());
  if (finding.status == FindStatus::kKey) {
    explained.outcome = std::visit([&](auto& directory) { return directory.Foretell(finding.key.hash); }, directory_);
  }
  return explained;
}

std::size_t Deduplicator::rules_in_use() const {
  const RuleSet& rules = finder_->rules();
  return rules.rules.size() + (rules.default_rule ? 1 : 0);
}

std::vector<RuleReport> Deduplicator::RuleSummaries() const {
  std::vector<RuleReport> summaries;
  for (std::size_t rule = 0; rule < rules_in_use(); ++rule) summaries.push_back(watch_.Summary(rule, *finder_));
  return summaries;
}

std::vector<NamedCounters> Deduplicator::CountersOfRules() const {
  std::vector<NamedCounters> counters;
  for (std::size_t rule = 0; rule < rules_in_use(); ++rule) {
    counters.push_back({std::string(finder_->rules().NameOf(rule)), watch_.Counters(rule, *finder_)});
  }
  return counters;
}

std::optional<RuleReport> Deduplicator::ReportOf(std::string_view rule) const {
  const std::optional<std::size_t> number = finder_->rules().Find(rule);
  if (!number) return std::nullopt;
  return watch_.Report(*number, *finder_);
}

void Deduplicator::OnTurn() {
  if (watch_.wants_turn()) watch_.OnTurn(MonotonicMs());
  if (auto* const open = std::get_if<OpenDirectory>(&directory_)) return open->OnTurn();
  auto& closed = std::get<ClosedDirectory>(directory_);
  if (!closed.is_retried()) {
    if (MonotonicMs() >= next_retry_ms_) Retry(closed.trouble());
    return;
  }
  std::optional<Recovered> recovered = closed.TakeRecovered();
  if (!recovered) return;
  try {
    Open(std::move(*recovered));
  } catch (const std::exception& error) {
    return Retry(error.what());
  }
  log_.Add(LogLevel::kNotice, "events are stored again, " +
                                  std::to_string(std::get<OpenDirectory>(directory_).event_count()) + " event ids in " +
                                  options_.data_dir.string());
}

void Deduplicator::Stop() {
  if (auto* const open = std::get_if<OpenDirectory>(&directory_)) open->OnStop();
  directory_.emplace<ClosedDirectory>();
}

bool Deduplicator::wants_turn() const {
  return !log_.empty() || std::visit([](const auto& directory) { return directory.wants_turn(); }, directory_);
}

std::optional<EventInDoubt> Deduplicator::TakeOlder(std::string_view topic, std::uint64_t seq) {
  return std::visit([&](auto& directory) { return directory.TakeOlder(topic, seq); }, directory_);
}

std::optional<EventInDoubt> Deduplicator::TakeOverdue() {
  return std::visit([](auto& directory) { return directory.TakeOverdue(); }, directory_);
}

std::string Deduplicator::trouble() const {
  return std::visit([](const auto& directory) { return directory.trouble(); }, directory_);
}

std::optional<Statistics> Deduplicator::statistics() const {
  return std::visit([](const auto& directory) { return directory.statistics(); }, directory_);
}

}  // namespace dedup
