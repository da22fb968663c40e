// Something of which there is a limited amount, shared fairly by those who ask for it: connections, threads, memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace dedup::sidecar {

/// There is no more of it for the moment.
class BudgetSpent : public std::exception {
 public:
  const char* what() const noexcept override { return "too many bytes are in work"; }
};

/// A holder gets more as long as that leaves at least as much free as it then has. So one alone gets half of it, two
/// get a third each, and there is always something left for who comes next. The first to take when nothing is taken
/// gets whatever it asks for: what is larger than the budget must be possible too, one at a time.
///
/// Threading: any thread.
class FairBudget {
 public:
  explicit FairBudget(std::size_t amount) : amount_(amount) {}

  std::size_t amount() const { return amount_; }
  std::size_t taken() const { return taken_; }
  /// Less than a quarter is left.
  bool is_short() const { return taken_ > amount_ - amount_ / 4; }

  /// What one holder has; it is given back in the end. Threading: one thread at a time. The budget must outlive it.
  class Share {
   public:
    Share() = default;
    /// Of nothing yet. Holders are told apart by their names.
    Share(FairBudget* budget, std::string holder) : budget_(budget), holder_(std::move(holder)) {}
    Share(Share&& other) noexcept { Swap(&other); }
    Share& operator=(Share&& other) noexcept {
      Swap(&other);
      return *this;
    }
    ~Share() { Resize(0); }

    std::size_t amount() const { return amount_; }
    /// False when there is not so much; then it keeps what it has. Less can always be had.
    bool Resize(std::size_t amount);
    /// At least so much. Errors: BudgetSpent; then it keeps what it has.
    void Cover(std::size_t amount) {
      if (amount > amount_ && !Resize(amount)) throw BudgetSpent();
    }

   private:
    void Swap(Share* other) noexcept {
      std::swap(budget_, other->budget_);
      std::swap(holder_, other->holder_);
      std::swap(amount_, other->amount_);
    }

    FairBudget* budget_ = nullptr;
    std::string holder_;
    std::size_t amount_ = 0;
  };

 private:
  bool Resize(const std::string& holder, std::size_t old_amount, std::size_t amount);

  const std::size_t amount_;
  std::atomic<std::size_t> taken_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::size_t, std::less<>> holders_;  // guarded by mutex_; those that have something
};

}  // namespace dedup::sidecar
