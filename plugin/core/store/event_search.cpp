#include "plugin/core/store/event_search.h"

#include <algorithm>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugin/core/store/schema.h"
#include "plugin/core/text/topic_filter.h"

namespace dedup {
namespace {

using Seq = std::uint64_t;

constexpr Seq kSeqMax = std::numeric_limits<std::int64_t>::max();  // of SQLite's integers
constexpr int kSeeksMax = 20'000;                                  // of a run
// A wildcard looks at so many rows in order, and so many more for each that matched, before it turns to the index.
constexpr int kRowsScanned = 2'000;
constexpr int kRowsScannedPerMatch = 50;
constexpr int kIndexSteps = 4;  // along an index cost as much as a seek
constexpr std::size_t kNamesMax = 256;
// events_by_id has a part for so many seqs, see schema.cpp.
constexpr Seq kSeqsPerIdPart = 131'072;

enum class Order : std::uint8_t { kOldestFirst, kNewestFirst };

bool IsBefore(Order order, Seq a, Seq b) { return order == Order::kOldestFirst ? a < b : a > b; }
Seq Following(Order order, Seq seq) { return order == Order::kOldestFirst ? seq + 1 : seq - 1; }

// All statements are written for the one order.
std::string InOrder(Order order, std::string sql) {
  if (order == Order::kOldestFirst) return sql;
  return sql.replace(sql.find(">="), 2, "<=") + " DESC";
}

class OrderedStatement : public sqlite::Statement {
 public:
  OrderedStatement(sqlite::Database& database, Order order, const char* sql)
      : Statement(database, InOrder(order, sql).c_str()) {}
};

/// Seqs that meet one condition, in order.
class Cursor {
 public:
  Cursor() = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  virtual ~Cursor() = default;

  /// The first one that is not before `seq`; nothing when there is none. Never called with a seq before an earlier one.
  virtual std::optional<Seq> Seek(Seq seq) = 0;
};

/// The first column of a statement that is open, and stepped on or started anew from where it is needed.
class StatementCursor : public Cursor {
 public:
  using Start = std::function<void(sqlite::Statement&, Seq)>;

  StatementCursor(sqlite::Statement& statement, Order order, int steps_max, Start start)
      : statement_(statement), order_(order), steps_max_(steps_max), start_(std::move(start)) {}
  ~StatementCursor() override { statement_.Reset(); }

  std::optional<Seq> Seek(Seq seq) override {
    for (int steps = 0; is_open_ && IsBefore(order_, current_, seq) && steps < steps_max_; ++steps) Step();
    if (is_open_ && !IsBefore(order_, current_, seq)) return current_;
    if (is_open_ || !is_started_) {
      statement_.Reset();
      start_(statement_, seq);
      is_started_ = true;
      Step();
    }
    return is_open_ ? std::optional(current_) : std::nullopt;
  }

 private:
  void Step() {
    is_open_ = statement_.Step();
    if (is_open_) current_ = static_cast<Seq>(statement_.Integer(0));
  }

  sqlite::Statement& statement_;
  const Order order_;
  const int steps_max_;
  const Start start_;
  bool is_started_ = false;
  bool is_open_ = false;
  Seq current_ = 0;
};

}  // namespace

struct EventSearch::Statements {
  Statements(sqlite::Database& database, Order in_order)
      : order(in_order),
        rows(database, order,
             "SELECT 1 FROM events WHERE seq >= ? "
             "AND visit(seq, received_us, topic_id, event_id, source, payload, rule_id) ORDER BY seq"),
        row_topics(database, order, "SELECT seq, topic_id FROM events WHERE seq >= ? ORDER BY seq"),
        row_rules(database, order, "SELECT seq, rule_id IS NULL FROM events WHERE seq >= ? ORDER BY seq"),
        by_id(database, order,
              "SELECT seq FROM events INDEXED BY events_by_id WHERE event_id = ?2 AND seq >= ?1 ORDER BY seq"),
        by_topic_and_id(database,
                        "SELECT seq FROM events INDEXED BY events_by_id "
                        "WHERE seq / 131072 = ? AND event_id = ? AND topic_id = ?"),
        by_rule(database, order,
                "SELECT seq FROM events INDEXED BY events_by_rule WHERE rule_id = ? AND seq >= ? ORDER BY seq"),
        by_rule_without_payloads(
            database, order,
            "SELECT seq FROM events INDEXED BY events_by_rule WHERE rule_id = ? AND seq >= ? ORDER BY seq"),
        by_source(database, order,
                  "SELECT seq FROM events INDEXED BY events_by_source WHERE source = ? AND seq >= ? ORDER BY seq"),
        by_topic(database, order,
                 "SELECT seq FROM events INDEXED BY events_by_topic WHERE topic_id = ? AND seq >= ? ORDER BY seq"),
        by_time(database, order,
                "SELECT block FROM times WHERE block >= ? AND latest_us >= ? AND earliest_us < ? ORDER BY block"),
        topic_id(database, "SELECT topic_id FROM topics WHERE topic = ?"),
        topic_name(database, "SELECT topic FROM topics WHERE topic_id = ?"),
        rule_id(database, "SELECT rule_id FROM rules WHERE name = ? AND keeps_payload = ?"),
        rule_name(database, "SELECT name FROM rules WHERE rule_id = ?"),
        topics_from(database, "SELECT topic_id, topic FROM topics WHERE topic >= ? ORDER BY topic") {}

  const Order order;
  OrderedStatement rows, row_topics, row_rules, by_id;
  sqlite::Statement by_topic_and_id;
  OrderedStatement by_rule, by_rule_without_payloads, by_source, by_topic, by_time;
  sqlite::Statement topic_id, topic_name, rule_id, rule_name, topics_from;
};

namespace {

template <class Statements>
class TimesCursor : public Cursor {
 public:
  TimesCursor(Statements& statements, const EventFilter& filter) : statements_(statements), filter_(filter) {}

  std::optional<Seq> Seek(Seq seq) override {
    const Seq block = seq / kSeqsPerTimes;
    if (block != block_) {
      statements_.by_time.Bind(block, filter_.since_us, filter_.until_us);
      if (!statements_.by_time.Step()) return std::nullopt;
      block_ = static_cast<Seq>(statements_.by_time.Integer(0));
      statements_.by_time.Reset();
    }
    if (block_ == block) return seq;
    return statements_.order == Order::kOldestFirst ? block_ * kSeqsPerTimes : (block_ + 1) * kSeqsPerTimes - 1;
  }

 private:
  Statements& statements_;
  const EventFilter& filter_;
  Seq block_ = kSeqMax;  // the last one found
};

// What the topics begin with that match: they lie together in the index as far as a filter has no wildcard.
std::string_view StemOf(std::string_view filter) {
  const std::string_view stem = filter.substr(0, filter.find_first_of("+#"));
  // "a/#" matches "a" too.
  return stem.substr(0, stem.size() - (stem.ends_with('/') ? 1 : 0));
}

std::vector<std::string_view> StemsOf(const EventFilter& filter) {
  const std::string_view stem = StemOf(filter.topic);
  if (filter.within.empty()) return {stem};
  std::vector<std::string_view> stems;
  for (const std::string& within : filter.within) {
    const std::string_view other = StemOf(within);
    if (other.starts_with(stem)) {
      stems.push_back(other);
    } else if (stem.starts_with(other)) {
      stems.push_back(stem);
    }
  }
  return stems;
}

template <class Statements>
std::set<std::int64_t> FindTopics(Statements& statements, const EventFilter& filter) {
  std::set<std::int64_t> topic_ids;
  for (const std::string_view stem : StemsOf(filter)) {
    sqlite::Statement& topics = statements.topics_from.Bind(stem);
    while (topics.Step() && topics.Bytes(1).starts_with(stem)) {
      if (filter.MatchesTopic(topics.Bytes(1))) topic_ids.insert(topics.Integer(0));
    }
    topics.Reset();
  }
  return topic_ids;
}

/// The events of all topics that meet a filter's conditions.
template <class Statements>
class WildcardCursor : public Cursor {
 public:
  WildcardCursor(Statements& statements, const EventFilter& filter)
      : statements_(statements),
        filter_(filter),
        rows_(statements.row_topics, statements.order, kIndexSteps,
              [](sqlite::Statement& statement, Seq seq) { statement.Bind(seq); }),
        next_(After{statements.order}) {}

  std::optional<Seq> Seek(Seq seq) override {
    if (!is_merging_) {
      if (const auto found = Scan(&seq); found || scan_is_over_) return found;
      BeginMerge(seq);
    }
    while (!next_.empty() && IsBefore(statements_.order, next_.top().first, seq)) {
      const std::int64_t topic_id = next_.top().second;
      next_.pop();
      PushNext(topic_id, seq);
    }
    return next_.empty() ? std::nullopt : std::optional(next_.top().first);
  }

 private:
  using Next = std::pair<Seq, std::int64_t>;  // a topic's next seq, and the topic
  struct After {
    Order order;
    bool operator()(const Next& a, const Next& b) const { return IsBefore(order, b.first, a.first); }
  };

  // Without a hit `seq` becomes where the search must go on.
  std::optional<Seq> Scan(Seq* seq) {
    for (; rows_left_ > 0; --rows_left_) {
      const std::optional<Seq> found = rows_.Seek(*seq);
      scan_is_over_ = !found;
      if (!found) return std::nullopt;
      *seq = *found;
      if (Matches(statements_.row_topics.Integer(1))) {
        rows_left_ += kRowsScannedPerMatch;
        return found;
      }
      *seq = Following(statements_.order, *seq);
    }
    return std::nullopt;
  }

  bool Matches(std::int64_t topic_id) {
    const auto [known, is_new] = matches_.try_emplace(topic_id, false);
    if (is_new) {
      statements_.topic_name.Bind(topic_id);
      known->second = statements_.topic_name.Step() && filter_.MatchesTopic(statements_.topic_name.Bytes(0));
      statements_.topic_name.Reset();
    }
    return known->second;
  }

  void BeginMerge(Seq seq) {
    is_merging_ = true;
    for (const std::int64_t topic_id : FindTopics(statements_, filter_)) PushNext(topic_id, seq);
  }

  void PushNext(std::int64_t topic_id, Seq seq) {
    sqlite::Statement& events = statements_.by_topic.Bind(topic_id, seq);
    if (events.Step()) next_.emplace(static_cast<Seq>(events.Integer(0)), topic_id);
    events.Reset();
  }

  Statements& statements_;
  const EventFilter& filter_;
  StatementCursor rows_;
  std::unordered_map<std::int64_t, bool> matches_;
  int rows_left_ = kRowsScanned;
  bool scan_is_over_ = false;
  bool is_merging_ = false;
  std::priority_queue<Next, std::vector<Next>, After> next_;
};

/// The events with an id on some topics. Every topic is asked for in every part of the index: how long that takes tells
/// nothing of other topics' events.
template <class Statements>
class IdOnTopicsCursor : public Cursor {
 public:
  IdOnTopicsCursor(Statements& statements, std::string_view event_id, std::set<std::int64_t> topic_ids, int* seeks_left)
      : statements_(statements),
        event_id_(event_id),
        topic_ids_(std::move(topic_ids)),
        seeks_left_(seeks_left),
        seqs_(SeqAfter{statements.order}) {}

  std::optional<Seq> Seek(Seq seq) override {
    for (;;) {
      // What cannot be looked at in this run is said to be there.
      if (seq / kSeqsPerIdPart != part_ && *seeks_left_ <= 0) return seq;
      Read(seq / kSeqsPerIdPart);
      if (const auto found = seqs_.lower_bound(seq); found != seqs_.end()) return *found;
      sqlite::Statement& next = statements_.row_topics.Bind(EndOf(part_));
      const bool is_there = next.Step();
      if (is_there) seq = static_cast<Seq>(next.Integer(0));
      next.Reset();
      if (!is_there) return std::nullopt;
    }
  }

 private:
  struct SeqAfter {
    Order order;
    bool operator()(Seq a, Seq b) const { return IsBefore(order, a, b); }
  };

  // The first seq that follows the part in the search's order.
  Seq EndOf(Seq part) const {
    if (statements_.order == Order::kOldestFirst) return (part + 1) * kSeqsPerIdPart;
    return part == 0 ? 0 : part * kSeqsPerIdPart - 1;  // no event has the seq 0
  }

  void Read(Seq part) {
    if (part == part_) return;
    // The first one costs nothing, or a run that has but one to spend would never come to show what is in it.
    if (part_ != kNoPart) *seeks_left_ -= static_cast<int>(topic_ids_.size());
    part_ = part;
    seqs_.clear();
    for (const std::int64_t topic_id : topic_ids_) {
      sqlite::Statement& rows = statements_.by_topic_and_id.Bind(part, event_id_, topic_id);
      while (rows.Step()) seqs_.insert(static_cast<Seq>(rows.Integer(0)));
    }
  }

  static constexpr Seq kNoPart = kSeqMax;

  Statements& statements_;
  const std::string_view event_id_;
  const std::set<std::int64_t> topic_ids_;
  int* const seeks_left_;
  Seq part_ = kNoPart;  // the one that was read last
  std::set<Seq, SeqAfter> seqs_;
};

/// The events that no rule of a file has made: no index has them, for there is none without cost to each of their rows.
template <class Statements>
class NoRuleCursor : public Cursor {
 public:
  NoRuleCursor(Statements& statements, int* seeks_left)
      : statements_(statements),
        rows_(statements.row_rules, statements.order, kIndexSteps,
              [](sqlite::Statement& statement, Seq seq) { statement.Bind(seq); }),
        seeks_left_(seeks_left) {}

  std::optional<Seq> Seek(Seq seq) override {
    for (int steps = 1;; ++steps) {
      const std::optional<Seq> found = rows_.Seek(seq);
      // What cannot be looked at in this run is said to be one.
      if (!found || statements_.row_rules.Integer(1) != 0 || *seeks_left_ <= 0) return found;
      if (steps % kIndexSteps == 0) --*seeks_left_;
      seq = Following(statements_.order, *found);
    }
  }

 private:
  Statements& statements_;
  StatementCursor rows_;
  int* const seeks_left_;
};

/// The seqs of any of some cursors.
class UnionCursor : public Cursor {
 public:
  UnionCursor(Order order, std::vector<std::unique_ptr<Cursor>> cursors)
      : order_(order), cursors_(std::move(cursors)) {}

  std::optional<Seq> Seek(Seq seq) override {
    std::optional<Seq> first;
    for (const auto& cursor : cursors_) {
      const std::optional<Seq> found = cursor->Seek(seq);
      if (found && (!first || IsBefore(order_, *found, *first))) first = found;
    }
    return first;
  }

 private:
  const Order order_;
  const std::vector<std::unique_ptr<Cursor>> cursors_;
};

/// The names of topics or rules, looked up once for many rows: a join would do it for each. Good for one snapshot.
class Names {
 public:
  explicit Names(sqlite::Statement& statement) : statement_(statement) {}

  /// Null for an id that is not in the table, as damage may leave it. Valid until the next call.
  const std::string* Find(std::int64_t id) {
    if (last_ != nullptr && id == last_id_) return last_;
    auto known = names_.find(id);
    if (known == names_.end()) {
      statement_.Bind(id);
      if (!statement_.Step()) return nullptr;
      if (names_.size() == kNamesMax) names_.clear();
      known = names_.emplace(id, statement_.Bytes(0)).first;
      statement_.Reset();
    }
    last_id_ = id;
    return last_ = &known->second;
  }

 private:
  sqlite::Statement& statement_;
  std::unordered_map<std::int64_t, std::string> names_;
  std::int64_t last_id_ = 0;
  const std::string* last_ = nullptr;
};

/// One run of a search.
template <class Statements>
class Walk {
 public:
  using OnEvent = std::function<bool(const StoredEvent&)>;

  Walk(Statements& statements, const EventFilter& filter, const EventRange& range, const OnEvent& on_event)
      : statements_(statements),
        filter_(filter),
        on_event_(on_event),
        range_(range),
        seq_(range.newest_first ? range.last_seq : range.first_seq),
        topics_(statements.topic_name),
        rules_(statements.rule_name) {}

  /// What is left of the range.
  std::optional<EventRange> Go() {
    if (!AddCursors()) return std::nullopt;
    Find();
    while (state_ == State::kGoing) {
      const bool is_ended = statements_.rows.Bind(seq_).Visit([this](const sqlite::Row& row) { return OnRow(row); });
      if (!is_ended) state_ = State::kOver;
    }
    if (state_ == State::kOver) return std::nullopt;
    (range_.newest_first ? range_.last_seq : range_.first_seq) = seq_;
    return range_;
  }

 private:
  enum class State : std::uint8_t { kGoing, kPaused, kOver };

  // False when nothing can match.
  bool AddCursors() {
    // One row is read and held against the filter, which costs less than asking an index for it.
    if (range_.first_seq == range_.last_seq) return true;
    // Who may not read all is shown by no duration what there is elsewhere: no index over all topics serves them.
    const bool is_limited = !filter_.within.empty();
    const std::optional<std::string>& id = filter_.event_id ? filter_.event_id : filter_.key;
    if (filter_.has_plain_topic()) {
      const std::optional<std::int64_t> topic_id = FindTopic();
      if (!topic_id) return false;
      if (id) {
        AddCursor<IdOnTopicsCursor<Statements>>(statements_, *id, std::set{*topic_id}, &seeks_left_);
        return true;
      }
      AddCursor<StatementCursor>(statements_.by_topic, statements_.order, kIndexSteps,
                                 [topic_id](sqlite::Statement& statement, Seq seq) { statement.Bind(*topic_id, seq); });
    } else if (id && is_limited) {
      AddCursor<IdOnTopicsCursor<Statements>>(statements_, *id, FindTopics(statements_, filter_), &seeks_left_);
      return true;
    } else if (id) {
      AddCursor<StatementCursor>(
          statements_.by_id, statements_.order, kSeeksMax,
          [&id](sqlite::Statement& statement, Seq seq) { statement.Bind(seq, std::string_view(*id)); });
      return true;
    } else if (filter_.limits_topics()) {
      AddCursor<WildcardCursor<Statements>>(statements_, filter_);
    }
    if (filter_.rule && !is_limited && !AddRuleCursor()) return false;
    if (filter_.source && !is_limited) {
      AddCursor<StatementCursor>(
          statements_.by_source, statements_.order, kIndexSteps,
          [this](sqlite::Statement& statement, Seq seq) { statement.Bind(std::string_view(*filter_.source), seq); });
    }
    if (filter_.has_times()) AddCursor<TimesCursor<Statements>>(statements_, filter_);
    return true;
  }

  std::optional<std::int64_t> FindTopic() {
    if (!filter_.MatchesTopic(filter_.topic)) return std::nullopt;
    return FindInteger(statements_.topic_id.Bind(std::string_view(filter_.topic)));
  }

  static std::optional<std::int64_t> FindInteger(sqlite::Statement& statement) {
    if (!statement.Step()) return std::nullopt;
    const std::int64_t integer = statement.Integer(0);
    statement.Reset();
    return integer;
  }

  // A rule has a number for its rows with payloads and one for those without.
  bool AddRuleCursor() {
    const std::string_view rule = *filter_.rule;
    if (rule.empty()) {
      AddCursor<NoRuleCursor<Statements>>(statements_, &seeks_left_);
      return true;
    }
    std::vector<std::unique_ptr<Cursor>> cursors;
    for (const int keeps_payload : {0, 1}) {
      const std::optional<std::int64_t> rule_id = FindInteger(statements_.rule_id.Bind(rule, keeps_payload));
      if (!rule_id) continue;
      cursors.push_back(std::make_unique<StatementCursor>(
          keeps_payload != 0 ? statements_.by_rule : statements_.by_rule_without_payloads, statements_.order,
          kIndexSteps, [rule_id](sqlite::Statement& statement, Seq seq) { statement.Bind(*rule_id, seq); }));
    }
    if (cursors.empty()) return false;
    AddCursor<UnionCursor>(statements_.order, std::move(cursors));
    return true;
  }

  template <class Kind, class... Arguments>
  void AddCursor(Arguments&&... arguments) {
    cursors_.push_back(std::make_unique<Kind>(std::forward<Arguments>(arguments)...));
  }

  // Brings all cursors to one seq, the first from here on.
  void Find() {
    for (std::size_t agreeing = 0; agreeing < cursors_.size();) {
      if (!Spend()) return;
      const std::optional<Seq> found = cursors_[agreeing]->Seek(seq_);
      if (!found || !IsInRange(*found)) {
        state_ = State::kOver;
        return;
      }
      agreeing = *found == seq_ ? agreeing + 1 : agreeing == 0 ? 1 : 0;
      seq_ = *found;
    }
  }

  // Whether the row behind this one is wanted. Another one, farther on, is looked up.
  bool OnRow(const sqlite::Row& row) {
    const Seq row_seq = static_cast<Seq>(row.Integer(0));
    if (!IsInRange(row_seq)) {
      state_ = State::kOver;
      return false;
    }
    if (row_seq != seq_) {
      seq_ = row_seq;
      Find();
      if (state_ != State::kGoing || seq_ != row_seq) return false;
    }
    if (!Spend()) return false;
    if (!Show(row)) {
      state_ = State::kPaused;
      return false;
    }
    if (seq_ == (range_.newest_first ? range_.first_seq : range_.last_seq)) {
      state_ = State::kOver;
      return false;
    }
    const Seq following = seq_ = Following(statements_.order, seq_);
    Find();
    return state_ == State::kGoing && seq_ == following;
  }

  // False when the event is not wanted now.
  bool Show(const sqlite::Row& row) {
    const std::string* const topic = topics_.Find(row.Integer(2));
    if (topic == nullptr) return true;
    const StoredEvent event{.seq = seq_,
                            .received_us = row.Integer(1),
                            .topic = *topic,
                            .event_id = row.Bytes(3),
                            .rule = RuleOf(row),
                            .source = row.OptionalBytes(4),
                            .payload = row.Bytes(5)};
    return !filter_.Matches(event) || on_event_(event);
  }

  // None for one that is not in the table, as damage may leave it.
  std::string_view RuleOf(const sqlite::Row& row) {
    if (row.IsNull(6)) return {};
    const std::string* const name = rules_.Find(row.Integer(6));
    return name == nullptr ? std::string_view() : *name;
  }

  bool IsInRange(Seq seq) const { return seq >= range_.first_seq && seq <= range_.last_seq; }

  // False when the run has taken long enough.
  bool Spend() {
    if (seeks_left_ <= 0) state_ = State::kPaused;
    return seeks_left_-- > 0;
  }

  Statements& statements_;
  const EventFilter& filter_;
  const OnEvent& on_event_;
  EventRange range_;
  Seq seq_;  // what is before it has been seen
  State state_ = State::kGoing;
  int seeks_left_ = kSeeksMax;
  Names topics_, rules_;
  std::vector<std::unique_ptr<Cursor>> cursors_;
};

}  // namespace

EventSearch::EventSearch(sqlite::Database& database)
    : database_(database),
      oldest_first_(std::make_unique<Statements>(database, Order::kOldestFirst)),
      newest_first_(std::make_unique<Statements>(database, Order::kNewestFirst)) {}

EventSearch::~EventSearch() = default;

std::optional<EventRange> EventSearch::Run(const EventFilter& filter, EventRange range,
                                           const std::function<bool(const StoredEvent&)>& on_event) {
  range.first_seq = std::max<Seq>(range.first_seq, 1);
  range.last_seq = std::min(range.last_seq, kSeqMax - 1);
  if (range.first_seq > range.last_seq) return std::nullopt;
  const sqlite::Snapshot snapshot(database_);
  return Walk(range.newest_first ? *newest_first_ : *oldest_first_, filter, range, on_event).Go();
}

}  // namespace dedup
