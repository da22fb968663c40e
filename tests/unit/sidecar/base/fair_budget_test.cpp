#include "http_sidecar/base/fair_budget.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace dedup::sidecar {
namespace {

// How much of a budget of 1,000 they get who take one at a time, each as often as it can, one behind the other.
std::vector<std::size_t> Take(int holders) {
  FairBudget budget(1000);
  std::vector<FairBudget::Share> shares;
  std::vector<std::size_t> taken;
  for (int holder = 0; holder < holders; ++holder) {
    FairBudget::Share& share = shares.emplace_back(&budget, std::to_string(holder));
    while (share.Resize(share.amount() + 1)) {
    }
    taken.push_back(share.amount());
  }
  return taken;
}

TEST(FairBudgetTest, OneAloneGetsHalfAndThereIsSomethingLeftForTheNext) {
  EXPECT_EQ(Take(3), (std::vector<std::size_t>{500, 250, 125}));
}

TEST(FairBudgetTest, TheSharesOfOneHolderCountTogether) {
  FairBudget budget(100);
  FairBudget::Share first(&budget, "a"), second(&budget, "a"), other(&budget, "b");
  EXPECT_TRUE(first.Resize(30));
  EXPECT_FALSE(second.Resize(30));
  EXPECT_TRUE(second.Resize(20));
  EXPECT_TRUE(other.Resize(25));
  EXPECT_FALSE(other.Resize(26));
  EXPECT_EQ(other.amount(), 25U);
  EXPECT_EQ(budget.taken(), 75U);
}

TEST(FairBudgetTest, WhatIsGivenBackCanBeTakenAgain) {
  FairBudget budget(100);
  {
    FairBudget::Share share(&budget, "a");
    EXPECT_TRUE(share.Resize(50));
    EXPECT_TRUE(share.Resize(20));
    EXPECT_EQ(budget.taken(), 20U);
    const FairBudget::Share moved = std::move(share);
    EXPECT_EQ(moved.amount(), 20U);
    EXPECT_EQ(share.amount(), 0U);  // NOLINT: that is what is tested
  }
  EXPECT_EQ(budget.taken(), 0U);
}

TEST(FairBudgetTest, WhatIsLargerThanAllOfItIsPossibleAlone) {
  FairBudget budget(100);
  FairBudget::Share large(&budget, "a"), other(&budget, "b");
  EXPECT_TRUE(other.Resize(1));
  EXPECT_FALSE(large.Resize(1000));
  EXPECT_TRUE(other.Resize(0));
  EXPECT_TRUE(large.Resize(1000));
  EXPECT_TRUE(budget.is_short());
  EXPECT_FALSE(large.Resize(1001));
  EXPECT_FALSE(other.Resize(1));
  EXPECT_TRUE(large.Resize(10));
  EXPECT_TRUE(other.Resize(1));
}

TEST(FairBudgetTest, AShareOfNoBudgetHasNothing) {
  FairBudget::Share share;
  EXPECT_TRUE(share.Resize(0));
  EXPECT_FALSE(share.Resize(1));
}

TEST(FairBudgetTest, ManyThreadsTakeNoMoreThanThereIs) {
  FairBudget budget(64);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&budget, i] {
      for (int round = 0; round < 2000; ++round) {
        FairBudget::Share share(&budget, std::to_string(i % 3));
        share.Resize(1);
        EXPECT_LE(budget.taken(), 64U);
        share.Resize(5);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.taken(), 0U);
}

}  // namespace
}  // namespace dedup::sidecar
