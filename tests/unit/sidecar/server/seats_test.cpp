#include "http_sidecar/server/seats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/support/read_head.h"

namespace dedup::sidecar {
namespace {

using testing::IsEmpty;

class SeatsTest : public testing::Test {
 protected:
  // Asks for a seat; what gets one, at once or later, is in seated_.
  void Arrive(const std::string& client, std::string_view headers = "") {
    auto visit = std::make_unique<Visit>();
    visit->exchange = std::make_unique<Exchange>(
        nullptr, &socket_, ReadHead("GET / HTTP/1.0\r\n" + std::string(headers) + "\r\n").value());
    visit->exchange->client = client;
    if (auto seated = seats_.Enter(std::move(visit))) seated_.push_back(std::move(seated));
  }
  void LeaveFirst(const std::string& client) {
    for (auto visit = seated_.begin(); visit != seated_.end(); ++visit) {
      if ((*visit)->exchange->client != client) continue;
      const std::unique_ptr<Visit> gone = std::move(*visit);
      seated_.erase(visit);
      return seats_.Leave(gone.get());
    }
    ADD_FAILURE() << client << " has no seat";
  }
  std::string Seated() const {
    std::string names;
    for (const auto& visit : seated_) names += visit->exchange->client;
    return names;
  }

  BytesConnection connection_{""};
  ClientSocket socket_{&connection_, AlwaysPatient};
  std::vector<std::unique_ptr<Visit>> seated_;
  Seats seats_{8, [this](std::unique_ptr<Visit> visit) { seated_.push_back(std::move(visit)); }};
};

TEST_F(SeatsTest, OneClientGetsHalfAndOthersFindSeatsAllTheSame) {
  for (int i = 0; i < 10; ++i) Arrive("a");
  EXPECT_EQ(Seated(), "aaaa");
  for (int i = 0; i < 10; ++i) Arrive("b");
  EXPECT_EQ(Seated(), "aaaabb");
  Arrive("c");
  EXPECT_EQ(Seated(), "aaaabbc");
}

TEST_F(SeatsTest, WhoWaitsIsSeatedInTurnOfTheClients) {
  for (int i = 0; i < 6; ++i) Arrive("a");
  for (int i = 0; i < 6; ++i) Arrive("b");
  ASSERT_EQ(Seated(), "aaaabb");
  LeaveFirst("a");
  EXPECT_EQ(Seated(), "aaabbb");  // who has fewer
  LeaveFirst("b");
  LeaveFirst("b");
  EXPECT_EQ(Seated(), "aaabbb");
}

TEST_F(SeatsTest, RequestsThatAreWholeGoBeforeThoseWhoseBodyIsToCome) {
  for (int i = 0; i < 4; ++i) Arrive("a");
  Arrive("a", "Content-Length: 5\r\n");
  Arrive("a");
  LeaveFirst("a");
  EXPECT_TRUE(seated_.back()->exchange->is_whole());
  LeaveFirst("a");
  EXPECT_FALSE(seated_.back()->exchange->is_whole());
}

TEST_F(SeatsTest, WhoWaitsInVainCanBeTakenOut) {
  for (int i = 0; i < 6; ++i) Arrive("a");
  Arrive("a", "Content-Length: 5\r\n");
  EXPECT_THAT(seats_.TakeWaiting(Seats::Clock::now() - std::chrono::hours(1)), IsEmpty());
  EXPECT_EQ(seats_.TakeWaiting(Seats::Clock::now() + std::chrono::hours(1)).size(), 3U);
  LeaveFirst("a");
  EXPECT_EQ(Seated(), "aaa");
}

TEST_F(SeatsTest, SeatsAreShortForThoseWhoseOwnRequestsWaitAndWhenThereAreFew) {
  for (int i = 0; i < 5; ++i) Arrive("a");
  EXPECT_TRUE(seats_.AreShortFor(*seated_.front()));
  Arrive("b");
  EXPECT_FALSE(seats_.AreShortFor(*seated_.back()));
  Arrive("b");
  Arrive("c");
  EXPECT_TRUE(seats_.AreShortFor(*seated_.back()));
}

TEST_F(SeatsTest, WhoHasNoSeatGivesNoneBack) {
  Visit visit;
  seats_.Leave(&visit);
  for (int i = 0; i < 5; ++i) Arrive("a");
  EXPECT_EQ(Seated(), "aaaa");
}

}  // namespace
}  // namespace dedup::sidecar
