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
constexpr std::size_t kTopicNamesMax = 256;

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
             "SELECT 1 FROM events WHERE seq >= ? AND visit(seq, received_us, topic_id, event_id, source, payload) "
             "ORDER BY seq"),
        row_topics(database, order, "SELECT seq, topic_id FROM events WHERE seq >= ? ORDER BY seq"),
        by_id(database, order,
              "SELECT seq FROM events INDEXED BY events_by_id WHERE event_id = ?2 AND seq >= ?1 ORDER BY seq"),
        by_source(database, order,
                  "SELECT seq FROM events INDEXED BY events_by_source WHERE source = ? AND seq >= ? ORDER BY seq"),
        by_topic(database, order,
                 "SELECT seq FROM events INDEXED BY events_by_topic WHERE topic_id = ? AND seq >= ? ORDER BY seq"),
        by_time(database, order,
                "SELECT block FROM times WHERE block >= ? AND latest_us >= ? AND earliest_us < ? ORDER BY block"),
        topic_id(database, "SELECT topic_id FROM topics WHERE topic = ?"),
        topic_name(database, "SELECT topic FROM topics WHERE topic_id = ?"),
        topics_from(database, "SELECT topic_id, topic FROM topics WHERE topic >= ? ORDER BY topic") {}

  const Order order;
  OrderedStatement rows, row_topics, by_id, by_source, by_topic, by_time;
  sqlite::Statement topic_id, topic_name, topics_from;
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
    std::set<std::int64_t> topic_ids;
    for (const std::string_view stem : Stems()) {
      sqlite::Statement& topics = statements_.topics_from.Bind(stem);
      while (topics.Step() && topics.Bytes(1).starts_with(stem)) {
        if (filter_.MatchesTopic(topics.Bytes(1))) topic_ids.insert(topics.Integer(0));
      }
      topics.Reset();
    }
    for (const std::int64_t topic_id : topic_ids) PushNext(topic_id, seq);
  }

  // What the topics begin with that match: they lie together in the index as far as a filter has no wildcard.
  static std::string_view StemOf(std::string_view filter) {
    const std::string_view stem = filter.substr(0, filter.find_first_of("+#"));
    // "a/#" matches "a" too.
    return stem.substr(0, stem.size() - (stem.ends_with('/') ? 1 : 0));
  }

  std::vector<std::string_view> Stems() const {
    const std::string_view stem = StemOf(filter_.topic);
    if (filter_.within.empty()) return {stem};
    std::vector<std::string_view> stems;
    for (const std::string& filter : filter_.within) {
      const std::string_view other = StemOf(filter);
      if (other.starts_with(stem)) {
        stems.push_back(other);
      } else if (stem.starts_with(other)) {
        stems.push_back(stem);
      }
    }
    return stems;
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

/// The names of topics, looked up once for many rows: a join would do it for each. Good for one snapshot.
class TopicNames {
 public:
  explicit TopicNames(sqlite::Statement& statement) : statement_(statement) {}

  /// Null for an id that is not in the table, as damage may leave it. Valid until the next call.
  const std::string* Find(std::int64_t topic_id) {
    if (last_ != nullptr && topic_id == last_id_) return last_;
    auto known = names_.find(topic_id);
    if (known == names_.end()) {
      statement_.Bind(topic_id);
      if (!statement_.Step()) return nullptr;
      if (names_.size() == kTopicNamesMax) names_.clear();
      known = names_.emplace(topic_id, statement_.Bytes(0)).first;
      statement_.Reset();
    }
    last_id_ = topic_id;
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
        topics_(statements.topic_name) {}

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
    const Order order = statements_.order;
    if (filter_.event_id) {
      AddCursor<StatementCursor>(statements_.by_id, order, kSeeksMax, [this](sqlite::Statement& statement, Seq seq) {
        statement.Bind(seq, std::string_view(*filter_.event_id));
      });
      return true;
    }
    if (filter_.has_plain_topic()) {
      if (!filter_.MatchesTopic(filter_.topic)) return false;
      statements_.topic_id.Bind(std::string_view(filter_.topic));
      if (!statements_.topic_id.Step()) return false;
      const std::int64_t topic_id = statements_.topic_id.Integer(0);
      statements_.topic_id.Reset();
      AddCursor<StatementCursor>(statements_.by_topic, order, kIndexSteps,
                                 [topic_id](sqlite::Statement& statement, Seq seq) { statement.Bind(topic_id, seq); });
    } else if (filter_.limits_topics()) {
      AddCursor<WildcardCursor<Statements>>(statements_, filter_);
    }
    if (filter_.source) {
      AddCursor<StatementCursor>(
          statements_.by_source, order, kIndexSteps,
          [this](sqlite::Statement& statement, Seq seq) { statement.Bind(std::string_view(*filter_.source), seq); });
    }
    if (filter_.has_times()) AddCursor<TimesCursor<Statements>>(statements_, filter_);
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
                            .source = row.OptionalBytes(4),
                            .payload = row.Bytes(5)};
    return !filter_.Matches(event) || on_event_(event);
  }

  bool IsInRange(Seq seq) const { return seq >= range_.first_seq && seq <= range_.last_seq; }

  // False when the run has taken long enough.
  bool Spend() {
    if (seeks_left_ == 0) state_ = State::kPaused;
    return seeks_left_-- > 0;
  }

  Statements& statements_;
  const EventFilter& filter_;
  const OnEvent& on_event_;
  EventRange range_;
  Seq seq_;  // what is before it has been seen
  State state_ = State::kGoing;
  int seeks_left_ = kSeeksMax;
  TopicNames topics_;
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
