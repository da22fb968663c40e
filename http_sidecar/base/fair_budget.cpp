#include "http_sidecar/base/fair_budget.h"

namespace dedup::sidecar {

bool FairBudget::Share::Resize(std::size_t amount) {
  if (amount == amount_) return true;
  if (budget_ == nullptr || !budget_->Resize(holder_, amount_, amount)) return false;
  amount_ = amount;
  return true;
}

bool FairBudget::Resize(const std::string& holder, std::size_t old_amount, std::size_t amount) {
  const std::lock_guard lock(mutex_);
  const std::size_t taken = taken_;
  const auto found = holders_.find(holder);
  const std::size_t held = found == holders_.end() ? 0 : found->second;
  const std::size_t new_held = held - old_amount + amount;
  const std::size_t new_taken = taken - old_amount + amount;
  const bool leaves_enough = new_taken <= amount_ && new_held <= amount_ - new_taken;
  if (amount > old_amount && taken != 0 && !leaves_enough) return false;
  taken_ = new_taken;
  if (new_held == 0) {
    holders_.erase(found);
  } else if (found == holders_.end()) {
    holders_.emplace(holder, new_held);
  } else {
    found->second = new_held;
  }
  return true;
}

}  // namespace dedup::sidecar
