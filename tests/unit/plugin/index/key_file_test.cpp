#include "plugin/core/index/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>
#include <optional>
#include <string>

#include "plugin/core/base/crc32c.h"
#include "tests/unit/support/failing_disk.h"
#include "tests/unit/support/temp_dir.h"

namespace dedup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr HashSecret kSecret = {1, 2, 3};
constexpr std::size_t kBlockBytes = 4096;

class KeyFileTest : public testing::Test {
 protected:
  using Keys = std::map<std::uint64_t, std::uint64_t>;  // seq to the key's high half

  void Open(const HashSecret& secret = kSecret) {
    file_.reset();
    file_.emplace(dir_.path(), secret, log_);
  }
  /// Opens and loads anew.
  Keys Load(std::uint64_t last_seq, std::uint64_t after_seq = 0) {
    Open();
    Keys keys;
    loaded_seq_ = file_->Load(after_seq, last_seq, [&](std::uint64_t seq, std::span<const KeyHash> hashes) {
      for (const KeyHash& key : hashes) {
        if (!KeyFile::IsNone(key)) {
          EXPECT_EQ(key.low, ~key.high);
          keys.emplace(seq, key.high);
        }
        ++seq;
      }
    });
    return keys;
  }
  void Append(std::uint64_t seq) { file_->Append(seq, {.high = seq * 7, .low = ~(seq * 7)}); }
  void AppendUpTo(std::uint64_t last) {
    while (file_->appended_seq() < last) Append(file_->appended_seq() + 1);
  }
  static Keys Expected(std::uint64_t first, std::uint64_t last) {
    Keys keys;
    for (std::uint64_t seq = first; seq <= last; ++seq) keys.emplace(seq, seq * 7);
    return keys;
  }
  std::filesystem::path path() const { return dir_ / KeyFile::kFileName; }

  TempDir dir_;
  LogQueue log_;
  std::optional<KeyFile> file_;
  std::uint64_t loaded_seq_ = 0;
};

TEST_F(KeyFileTest, IsEmptyAtFirst) {
  EXPECT_THAT(Load(0), IsEmpty());
  EXPECT_EQ(loaded_seq_, 0U);
  EXPECT_THAT(Load(1000), IsEmpty());
  EXPECT_EQ(loaded_seq_, 0U);
}

// The first blocks had another layout, without another version: their second word was zero, which today's never is.
TEST_F(KeyFileTest, ABlockOfTheFirstLayoutIsNotTakenForOne) {
  Open();
  file_.reset();
  std::string block(kBlockBytes, '\0');
  for (std::size_t i = 16; i < 16 + 254 * sizeof(KeyHash); ++i) block[i] = static_cast<char>(i);
  const std::uint32_t crc = Crc32c(block.data() + 4, kBlockBytes - 4);
  block.replace(0, sizeof crc, reinterpret_cast<const char*>(&crc), sizeof crc);
  WriteFile(path(), ReadFile(path()).substr(0, kBlockBytes) + block);
  EXPECT_THAT(Load(253), IsEmpty());
  EXPECT_EQ(loaded_seq_, 0U) << "the keys are read from the rows";
}

TEST_F(KeyFileTest, GivesBackWhatWasSynced) {
  Open();
  for (const std::uint64_t last : {1U, 2U, 253U, 254U, 255U, 508U, 1000U, 100'000U}) {
    AppendUpTo(last);
    file_->Sync();
    EXPECT_EQ(Load(last), Expected(1, last)) << last;
    EXPECT_EQ(loaded_seq_, last);
  }
}

TEST_F(KeyFileTest, WhatIsNotTrustedIsDroppedAndAppendedAnew) {
  Open();
  AppendUpTo(1000);
  file_->Sync();
  EXPECT_EQ(Load(300), Expected(1, 300));
  EXPECT_EQ(file_->appended_seq(), 300U);
  Append(900);
  file_->Sync();
  Keys expected = Expected(1, 300);
  expected.emplace(900, 900 * 7);
  EXPECT_EQ(Load(1000), expected);
}

TEST_F(KeyFileTest, AnAppendedSeqIsAppendedOnce) {
  Open();
  AppendUpTo(10);
  file_->Append(5, {.high = 1, .low = 1});
  EXPECT_EQ(file_->appended_seq(), 10U);
  file_->Sync();
  EXPECT_EQ(Load(10), Expected(1, 10));
}

TEST_F(KeyFileTest, GapsAreKept) {
  Open();
  AppendUpTo(10);
  Append(1'000'000);
  file_->Sync();
  Keys expected = Expected(1, 10);
  expected.emplace(1'000'000, 7'000'000);
  EXPECT_EQ(Load(1'000'000), expected);
  EXPECT_EQ(loaded_seq_, 1'000'000U);
}

TEST_F(KeyFileTest, MoreThanMemoryHoldsIsSyncedOnTheWay) {
  Open();
  AppendUpTo(3'000'000);
  file_->Sync();
  EXPECT_EQ(Load(3'000'000).size(), 3'000'000U);
}

TEST_F(KeyFileTest, WhatIsForgottenGivesItsRoomBack) {
  Open();
  AppendUpTo(500'000);
  file_->Sync();
  struct stat before {
  }, after{};
  stat(path().c_str(), &before);
  file_->Forget(400'000);
  stat(path().c_str(), &after);
  EXPECT_LT(after.st_blocks, before.st_blocks / 3);
  EXPECT_EQ(Load(500'000, 400'000), Expected(400'001, 500'000));
}

TEST_F(KeyFileTest, AnotherSecretsKeysAreNotTaken) {
  Open();
  AppendUpTo(10);
  file_->Sync();
  Open({9});
  EXPECT_EQ(file_->Load(0, 10, [](auto, auto) { FAIL(); }), 0U);
  EXPECT_THAT(Load(10), IsEmpty()) << "it was made anew";
}

TEST_F(KeyFileTest, NoDamageInventsAKey) {
  Open();
  AppendUpTo(600);
  file_->Sync();
  const std::string good = ReadFile(path());
  ASSERT_EQ(good.size(), 4 * kBlockBytes);
  for (std::size_t at = 0; at < good.size(); at += at < 64 || at % 64 != 0 ? 1 : 61) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    WriteFile(path(), bad);
    const Keys keys = Load(600);
    if (at >= 32 && at < kBlockBytes) {
      ASSERT_EQ(loaded_seq_, 600U) << "nothing stands there";
    } else {
      const std::uint64_t whole = at < kBlockBytes ? 0 : (at / kBlockBytes - 1) * KeyFile::kKeysPerBlock;
      ASSERT_EQ(loaded_seq_, whole == 0 ? 0 : whole - 1) << "byte " << at;
    }
    ASSERT_EQ(keys, Expected(1, loaded_seq_)) << "byte " << at;
  }
}

TEST_F(KeyFileTest, ACutFileIsTakenAsFarAsItIsWhole) {
  Open();
  AppendUpTo(600);
  file_->Sync();
  const std::string good = ReadFile(path());
  for (std::size_t size = 0; size <= good.size(); size += 512) {
    WriteFile(path(), good.substr(0, size));
    const Keys keys = Load(600);
    const std::size_t blocks = size / kBlockBytes;
    const std::uint64_t expected = blocks < 2 ? 0 : std::min<std::uint64_t>((blocks - 1) * 254 - 1, 600);
    ASSERT_EQ(loaded_seq_, expected) << size;
    ASSERT_EQ(keys, Expected(1, expected));
    AppendUpTo(700);
    file_->Sync();
    ASSERT_EQ(Load(700), Expected(1, 700));
  }
}

TEST_F(KeyFileTest, AfterAFailureItIsLeftAloneAndSaysSo) {
  Open();
  AppendUpTo(600);
  EXPECT_TRUE(file_->Sync());
  AppendUpTo(700);
  {
    const FailingDisk disk(KeyFile::kFileName);
    EXPECT_FALSE(file_->Sync());
  }
  Append(701);
  file_->Forget(700);
  EXPECT_FALSE(file_->Sync()) << "until the next start";
  const auto lines = log_.Take();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0].text, AllOf(HasSubstr("events.keys is not kept any more"), HasSubstr("fdatasync")));
  EXPECT_EQ(Load(600), Expected(1, 600));
}

TEST_F(KeyFileTest, WhatCannotBeOpenedHoldsNothingUp) {
  std::filesystem::create_directory(path());
  Open();
  EXPECT_EQ(file_->Load(0, 10, [](auto, auto) { FAIL(); }), 0U);
  Append(1);
  EXPECT_FALSE(file_->Sync());
  EXPECT_EQ(log_.Take().size(), 1U);
}

// A backup of a running broker may hold an older last block than the database says.
TEST_F(KeyFileTest, ABlockThatIsNotFilledFarEnoughIsNotTakenForWhole) {
  Open();
  AppendUpTo(20);
  file_->Sync();
  EXPECT_EQ(Load(25), Expected(1, 20));
  EXPECT_EQ(loaded_seq_, 20U);
  AppendUpTo(253);
  file_->Sync();
  EXPECT_EQ(Load(600), Expected(1, 253));
  EXPECT_EQ(loaded_seq_, 253U);
}

TEST_F(KeyFileTest, SkippedSeqsTakeNoRoom) {
  Open();
  for (std::uint64_t seq = 1; seq < 40'000'000; seq += 1'000'000) {
    Append(seq);
    file_->Sync();
    EXPECT_EQ(Load(seq).size(), seq / 1'000'000 + 1);
    EXPECT_EQ(loaded_seq_, seq);
  }
  struct stat status {};
  stat(path().c_str(), &status);
  EXPECT_LT(status.st_blocks * 512, 1 << 20);
  EXPECT_EQ(Load(20'500'000).size(), 21U) << "an end among the skipped";
  EXPECT_EQ(loaded_seq_, 20'500'000U);
}

TEST_F(KeyFileTest, WhatIsForgottenBeforeItIsWrittenGivesItsRoomBackToo) {
  Open();
  for (std::uint64_t seq = 100'000; seq <= 1'000'000; seq += 100'000) {
    AppendUpTo(seq);
    file_->Forget(seq);
    file_->Sync();
  }
  AppendUpTo(1'000'001);
  file_->Forget(1'000'000);
  struct stat status {};
  stat(path().c_str(), &status);
  EXPECT_LT(status.st_blocks * 512, 4 << 20);
}

}  // namespace
}  // namespace dedup
