// The plugin's figures by name: the one list from which $SYS topics, /metrics and /stats are made.
#pragma once

#include <cstdint>
#include <string_view>

#include "plugin/core/contract/statistics.h"

namespace dedup {

enum class FigureKind : std::uint8_t { kCounter, kGauge };

struct Figure {
  std::string_view name;    ///< of its topic, $SYS/broker/dedup/NAME
  std::string_view metric;  ///< in Prometheus' exposition, behind the sidecar's prefix
  std::string_view stats;   ///< its member of GET /stats; empty where that has none, or one of the base contract
  FigureKind kind;
  std::string_view help;
  std::uint64_t (*value)(const Statistics&);
};

inline constexpr Figure kFigures[] = {
    {"received", "events_received_total", "", FigureKind::kCounter, "Events that came, duplicates included.",
     [](const Statistics& statistics) { return statistics.received(); }},
    {"duplicates", "duplicates_total", "", FigureKind::kCounter, "Events that were recognised and not handed on.",
     [](const Statistics& statistics) { return statistics.duplicates; }},
    {"passed", "passed_total", "passed", FigureKind::kCounter,
     "Publishes that were handed on untouched: without an id, or unstored.",
     [](const Statistics& statistics) { return statistics.passed; }},
    {"refused", "refused_total", "refused", FigureKind::kCounter,
     "Events that could not be stored and were not acknowledged.",
     [](const Statistics& statistics) { return statistics.refused; }},
    {"unstored", "unstored_total", "unstored", FigureKind::kCounter,
     "Events that could not be stored and were handed on all the same.",
     [](const Statistics& statistics) { return statistics.unstored; }},
    {"invalid_ids", "invalid_ids_total", "invalid_ids", FigureKind::kCounter,
     "Publishes whose id was empty, too long or of another type.",
     [](const Statistics& statistics) { return statistics.invalid_ids; }},
    {"lost", "lost_total", "lost", FigureKind::kCounter,
     "Accepted events that a start found to be gone: files were damaged, cut short, or older copies.",
     [](const Statistics& statistics) { return statistics.lost; }},
    {"journal_bytes", "journal_bytes", "journal_used_bytes", FigureKind::kGauge, "The journal's bytes in use.",
     [](const Statistics& statistics) { return statistics.journal_used_bytes; }},
    {"journal_size_bytes", "journal_size_bytes", "journal_size_bytes", FigureKind::kGauge,
     "The journal's size; when it is full, events are refused.",
     [](const Statistics& statistics) { return statistics.journal_size_bytes; }},
    {"store_failing", "store_failing", "", FigureKind::kGauge,
     "1 while the plugin cannot store events, which wait in its journal.",
     [](const Statistics& statistics) { return std::uint64_t{statistics.store_failing}; }},
    {"journal_failing", "journal_failing", "", FigureKind::kGauge,
     "1 while the plugin cannot sync its journal and refuses events.",
     [](const Statistics& statistics) { return std::uint64_t{statistics.journal_failing}; }},
};

}  // namespace dedup
