// Sets of columns that copies may differ in.
#pragma once

#include <span>
#include <vector>

#include "command/traffic/table.h"
#include "command/trial/partners.h"

namespace dedup::command {

/// Sets worth a trial, the smallest first and each once: nothing; what pairs differ in most often; unions of those;
/// and, for each column whose values come and go, all in which pairs differ that agree in it.
std::vector<ColumnSet> CandidatesOf(const Table& table, std::span<const Pair> pairs);

}  // namespace dedup::command
