#include "plugin/core/control/duplicates_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace dedup {
namespace {

using testing::HasSubstr;

class DuplicatesCommandTest : public testing::Test {
 protected:
  std::string Tell(const std::string& seqs) const {
    return TellDuplicates(R"({"command":"duplicates")" + seqs + "}", *counts_);
  }

  std::unique_ptr<DuplicateCounts> counts_ = std::make_unique<DuplicateCounts>();
};

TEST_F(DuplicatesCommandTest, OnlyWhatIsCountedIsTold) {
  counts_->Begin(1);
  for (const std::uint64_t seq : {2, 3}) counts_->Note({Verdict::kProcessed, seq});
  for (const std::uint64_t seq : {1, 3, 3}) counts_->Note({Verdict::kDuplicate, seq});
  EXPECT_EQ(Tell(R"(,"seqs":[3,2,1,4,3])"),
            R"({"events":[{"seq":3,"duplicates":2,"is_exact":true},{"seq":2,"duplicates":0,"is_exact":true},)"
            R"({"seq":1,"duplicates":1,"is_exact":false},{"seq":3,"duplicates":2,"is_exact":true}]})");
  EXPECT_EQ(Tell(R"(,"seqs":[])"), R"({"events":[]})");
}

TEST_F(DuplicatesCommandTest, AnythingElseIsNamed) {
  std::string many = "1";
  for (int i = 0; i < 99; ++i) many += ",1";
  EXPECT_EQ(Tell(",\"seqs\":[" + many + "]"), R"({"events":[]})");
  for (const std::string& seqs : {std::string(), std::string(R"(,"seqs":17)"), std::string(R"(,"seqs":["17"])"),
                                  std::string(R"(,"seqs":[-1])"), std::string(R"(,"seqs":[1.5])"),
                                  std::string(R"(,"seqs":[18446744073709551616])"), ",\"seqs\":[" + many + ",1]"}) {
    EXPECT_THAT(Tell(seqs), HasSubstr(R"({"error":"\"seqs\" must be an array of at most 100 numbers of events"})"))
        << seqs;
  }
}

}  // namespace
}  // namespace dedup
