// Events that were accepted but perhaps never reached the subscribers (promise P3).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/core/event/event_in_doubt.h"

namespace dedup {

/// From a start, or a failed write, until they are handed on. Usually empty, and then empty() is all that it costs.
///
/// An event leaves in two steps: Claim or TakeOverdue when a copy of it is given to the broker, and RemoveHandedOn when
/// the broker has had the two turns of its loop in which it queues that copy to the subscribers, and that is noted.
/// Threading: main thread.
class InDoubtEvents {
 public:
  /// `due_ms`, on the age clock: when to hand it on without waiting for a copy any longer. Also for an event that has
  /// left but could not be handed on after all.
  void Add(EventInDoubt event, std::int64_t due_ms);

  bool empty() const { return waiting_.empty() && leaving_.empty(); }

  bool IsWaiting(std::uint64_t seq) const { return waiting_.contains(seq); }

  /// A copy of this waiting event is handed on. `routed`: by the broker itself, which does so at once; otherwise by the
  /// plugin, whose messages the broker queues.
  void Claim(std::uint64_t seq, bool routed);

  /// The oldest event of this topic that waits with a smaller seq, for the caller to hand on before anything newer.
  std::optional<EventInDoubt> TakeOlder(std::string_view topic, std::uint64_t seq);
  /// Whether what is newer than `seq` would overtake an event of this topic if the broker routed it: one waits, or was
  /// given to the broker's queue since the last turn.
  bool WouldBeOvertaken(std::string_view topic, std::uint64_t seq) const;

  /// A copy that could not be handed on, and that cannot be held: at the next start it is in doubt again.
  void Drop(std::uint64_t seq) noexcept;

  /// For a stop: the seqs of the events that have left by a copy that the broker routed itself.
  std::vector<std::uint64_t> Routed() const;

  /// An event whose time is over, for the caller to hand on.
  std::optional<EventInDoubt> TakeOverdue(std::int64_t now_ms);

  /// A retained message has come to this topic: what waits with a smaller seq must not replace it when it is handed on.
  void OnRetained(std::string_view topic, std::uint64_t seq);

  /// To be called once a turn of the broker's loop.
  void OnTurn();
  /// An event that the broker has handed on by now; it stays until RemoveHandedOn.
  std::optional<std::uint64_t> NextHandedOn() const;
  /// Forgets the event that NextHandedOn returned.
  void RemoveHandedOn();

  /// The smallest seq above `seq` that is not known to be handed on.
  std::optional<std::uint64_t> OldestAbove(std::uint64_t seq) const;

 private:
  struct Waiting {
    EventInDoubt event;
    std::int64_t due_ms;
  };
  struct Leaving {
    std::uint64_t seq;
    int turns;
    bool routed;
  };
  /// 0 where there is none.
  std::uint64_t OldestOf(std::string_view topic) const;
  EventInDoubt TakeToQueue(std::uint64_t seq);
  EventInDoubt Remove(std::uint64_t seq) noexcept;

  std::map<std::uint64_t, Waiting> waiting_;
  std::map<std::string, std::set<std::uint64_t>, std::less<>> waiting_by_topic_;
  std::set<std::string, std::less<>> queued_topics_;  // of what was given to the broker's queue since the last turn
  std::deque<Leaving> leaving_;                       // in the order in which they were given to the broker
  std::int64_t next_due_ms_ =
      0;  // nothing waits for an earlier time; asked at every turn, so not searched for each time
};

}  // namespace dedup
