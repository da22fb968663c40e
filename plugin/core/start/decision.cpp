#include "plugin/core/start/decision.h"

#include <algorithm>

namespace dedup {
namespace {

// States of a journal beside a store. Several may hold at once.

bool IsAbsent(const Survey& found) { return !found.has_journal; }
bool IsLost(const Survey& found) { return !found.has_journal && found.newest_seq != 0; }
bool IsOfAnotherForm(const Survey& found) { return found.has_journal && !found.has_wanted_form; }
bool HadAPowerCut(const Survey& found) { return found.has_journal && found.had_power_cut; }
bool IsDamagedInTheMiddle(const Survey& found) { return found.findings.damaged_bytes != 0; }
bool CannotBeRead(const Survey& found) { return found.findings.unreadable_bytes != 0; }
bool HasLostItsBeginning(const Survey& found) { return found.findings.header_damaged; }
bool LacksSeqs(const Survey& found) { return found.has_gaps; }
bool LacksTheNewest(const Survey& found) {
  return found.has_journal && found.last_seq < std::max(found.header.accepted_seq, found.state.stored_seq);
}
bool HasAnImpossibleWatermark(const Survey& found) {
  return found.has_journal && found.header.handed_on_seq > found.header.accepted_seq;
}
bool HasAnImpossibleSeq(const Survey& found) { return found.has_journal && IsImpossibleSeq(found); }
// A power cut takes the newest records with it, and nothing is damaged then.
bool IsCutShort(const Survey& found) { return found.findings.missing_bytes != 0 && !found.had_power_cut; }
bool FollowsASalvage(const Survey& found) {
  return found.has_journal && found.header.store_damage != StoreDamage::kNone;
}

enum Action : unsigned { kStoreFirst = 1, kMakeJournal = 2, kSkipSeqs = 4, kDistrustHeader = 8, kKeepOld = 16 };

// The table of docs/internals/recovery.md, as far as it is about the journal's records. All that applies is done; where
// nothing does, journal and store are as a stop or a death of the process leaves them: the journal goes on without a
// gap up to the newest event that there is.
constexpr struct {
  bool (*applies)(const Survey&);
  unsigned actions;
} kTable[] = {
    {IsAbsent, kMakeJournal},
    {IsLost, kSkipSeqs},
    {IsOfAnotherForm, kStoreFirst | kMakeJournal},
    {HadAPowerCut, kStoreFirst | kSkipSeqs},
    {IsDamagedInTheMiddle, kStoreFirst | kMakeJournal | kKeepOld},
    {CannotBeRead, kStoreFirst | kMakeJournal | kKeepOld},
    {IsCutShort, kStoreFirst | kMakeJournal | kKeepOld},
    {HasLostItsBeginning, kStoreFirst},
    {LacksSeqs, kStoreFirst},
    {LacksTheNewest, kStoreFirst},
    {HasAnImpossibleWatermark, kStoreFirst},
    {HasAnImpossibleSeq, kStoreFirst | kDistrustHeader},
    {FollowsASalvage, kStoreFirst},
};

}  // namespace

Decision Decide(const Survey& found) {
  unsigned actions = 0;
  for (const auto& row : kTable) {
    if (row.applies(found)) actions |= row.actions;
  }
  return {.stores_first = (actions & kStoreFirst) != 0,
          .makes_journal = (actions & kMakeJournal) != 0,
          .skips_seqs = (actions & kSkipSeqs) != 0,
          .distrusts_header = (actions & kDistrustHeader) != 0,
          .keeps_old_journal = (actions & kKeepOld) != 0};
}

}  // namespace dedup
