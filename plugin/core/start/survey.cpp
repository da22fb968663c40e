#include "plugin/core/start/survey.h"

#include <algorithm>
#include <string>

namespace dedup {
namespace {

// A header for a data directory without a journal: all that the store remembers goes on.
JournalHeader HeaderFromStore(Store& store, const StoreState& state) {
  JournalHeader header{};
  header.secret = store.LoadSecret().value_or(MakeHashSecret());
  header.accepted_seq = state.stored_seq;
  header.handed_on_seq = state.stored_seq;
  header.skipped_seqs = state.skipped_seqs;
  header.counters = state.counters;
  return header;
}

// `known_in_doubt`: the seqs in the table of that name.
// `unstored`: how many events are in it that are no rows.
void LookThroughRecords(Journal& journal, const std::set<std::uint64_t>& known_in_doubt, Survey* survey,
                        std::uint64_t* unstored) {
  // A watermark beyond the newest seq is damage; then every event in the journal is in doubt.
  const JournalHeader& header = survey->header;
  const std::uint64_t handed_on_seq = header.handed_on_seq <= header.accepted_seq ? header.handed_on_seq : 0;
  survey->findings = journal.Replay(survey->search, [&](const Journal::Entry& entry) {
    const std::uint64_t seq = entry.event.seq;
    if (entry.kind == RecordKind::kHandedOn) {
      survey->in_doubt.erase(seq);
      if (known_in_doubt.contains(seq)) survey->in_doubt_no_more.insert(seq);
      return;
    }
    if (survey->first_seq == 0) {
      survey->first_seq = seq;
    } else if (seq != survey->last_seq + 1) {
      survey->has_gaps = true;
    }
    survey->last_seq = std::max(survey->last_seq, seq);
    if (seq > survey->state.stored_seq) ++*unstored;
    if (seq <= survey->state.forgotten_seq) return;
    if (seq > handed_on_seq || known_in_doubt.contains(seq)) survey->in_doubt.emplace(seq, entry.event);
  });
}

void Tell(const Journal::Findings& findings, LogQueue& log) {
  if (findings.torn_bytes != 0) {
    log.Add(LogLevel::kWarning, "dropped a record of " + std::to_string(findings.torn_bytes) +
                                    " bytes that was cut short at the journal's end");
  }
  if (findings.header_damaged) {
    log.Add(LogLevel::kWarning, "where the journal's records begin had to be searched for; " +
                                    std::to_string(findings.records) + " records are found");
  }
  if (findings.unreadable_bytes != 0) {
    log.Add(LogLevel::kError, "the disk does not give " + std::to_string(findings.unreadable_bytes) +
                                  " bytes of the journal (Input/output error); what stood there is lost");
  }
  if (findings.missing_bytes != 0) {
    log.Add(LogLevel::kError, "the journal lacks its last " + std::to_string(findings.missing_bytes) +
                                  " bytes: records are missing, or the last one is damaged");
  }
  if (findings.damaged_bytes != 0) {
    log.Add(LogLevel::kError, "the journal is damaged: " + std::to_string(findings.damaged_bytes) +
                                  " bytes between its records are lost, " + std::to_string(findings.records) +
                                  " records are kept");
  }
}

}  // namespace

bool IsImpossibleSeq(const Survey& found) {
  const std::uint64_t records_max = found.header.ring_bytes / sizeof(RecordHeader);
  const std::uint64_t known_seq = std::max({found.newest_seq, found.last_seq, found.state.stored_seq});
  return found.header.accepted_seq > known_seq + records_max + kSeqsSkipped;
}

Survey LookThrough(Store& store, Journal* journal, std::uint64_t ring_bytes, LogQueue& log) {
  Survey survey;
  survey.state = store.LoadState();
  survey.has_journal = journal != nullptr;
  survey.header = journal != nullptr ? journal->header() : HeaderFromStore(store, survey.state);
  if (survey.header.store_damage == StoreDamage::kFound) {
    throw sqlite::CorruptDatabase("use", store.path(), "it was found damaged while in use");
  }
  survey.clock = std::make_unique<Clock>(survey.header.clock, store.NewestAcceptedMs());
  survey.had_power_cut = survey.clock->rebooted() && survey.header.clean == 0;
  // Of an event that never became a row, the table in_doubt alone may still know the seq.
  const std::set<std::uint64_t> known_in_doubt = store.LoadInDoubtSeqs();
  if (journal != nullptr) {
    survey.has_wanted_form = journal->ring_bytes() == ring_bytes && !journal->copies_on_write();
    if (survey.clock->rebooted()) survey.search = Journal::Search::kWholeRing;
    std::uint64_t unstored = 0;
    LookThroughRecords(*journal, known_in_doubt, &survey, &unstored);
    Tell(survey.findings, log);
    // A seq that cannot be is no witness; one is the newest where there was room for so many records.
    const std::uint64_t accepted_seq = std::max(survey.header.accepted_seq, survey.last_seq);
    const std::uint64_t known_seqs = survey.state.stored_seq + unstored + survey.header.skipped_seqs -
                                     std::min(survey.header.skipped_seqs, survey.state.skipped_seqs);
    const std::uint64_t missing = accepted_seq - std::min(accepted_seq, known_seqs);
    if (!IsImpossibleSeq(survey)) survey.lost = missing;
  }
  survey.newest_seq = std::max(survey.state.stored_seq, survey.last_seq);
  if (!known_in_doubt.empty()) survey.newest_seq = std::max(survey.newest_seq, *known_in_doubt.rbegin());
  return survey;
}

}  // namespace dedup
