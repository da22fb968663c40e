#include "plugin/core/index/growing_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/support/address_limit.h"

namespace dedup {
namespace {

constexpr std::size_t kStep = GrowingMemory::kStepBytes;

std::size_t ResidentBytes(const std::byte* from, std::size_t size) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages(size / page);
  if (mincore(const_cast<std::byte*>(from), size, pages.data()) != 0) return 0;
  return page * static_cast<std::size_t>(std::ranges::count_if(pages, [](unsigned char state) { return state & 1; }));
}

// Whether the kernel was asked for huge pages there.
bool IsForHugePages(const std::byte* address) {
  std::ifstream maps("/proc/self/smaps");
  bool is_there = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long first = 0;
    unsigned long long end = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &first, &end) == 2) {
      const auto wanted = reinterpret_cast<std::uintptr_t>(address);
      is_there = first <= wanted && wanted < end;
    } else if (is_there && line.starts_with("VmFlags:")) {
      return line.find(" hg") != std::string::npos;
    }
  }
  return false;
}

// What this program takes for the size of a page; 0: what it is.
int told_page_bytes = 0;

TEST(GrowingMemory, GrowsWithoutMovingAndKeepsWhatItHolds) {
  GrowingMemory memory;
  EXPECT_EQ(memory.data(), nullptr);
  memory.Grow(1);
  std::byte* const data = memory.data();
  data[0] = std::byte{1};
  data[kStep - 1] = std::byte{2};
  memory.Grow(100 * kStep);
  EXPECT_EQ(memory.data(), data);
  EXPECT_EQ(data[0], std::byte{1});
  EXPECT_EQ(data[kStep - 1], std::byte{2});
  for (std::size_t i = kStep; i < 100 * kStep; i += 4096) ASSERT_EQ(data[i], std::byte{0});
}

TEST(GrowingMemory, TakesNothingBeforeItIsTouched) {
  GrowingMemory memory;
  memory.Grow(64 * kStep);
  EXPECT_EQ(ResidentBytes(memory.data(), 64 * kStep), 0U);
}

TEST(GrowingMemory, GivesBackWhatItShrinksBy) {
  GrowingMemory memory;
  memory.Grow(8 * kStep);
  for (std::size_t i = 0; i < 8 * kStep; i += 4096) memory.data()[i] = std::byte{1};
  ASSERT_EQ(ResidentBytes(memory.data(), 8 * kStep), 8 * kStep);
  memory.Shrink(2 * kStep + 1);
  EXPECT_EQ(ResidentBytes(memory.data(), 8 * kStep), 3 * kStep);
  EXPECT_EQ(memory.data()[3 * kStep - 4096], std::byte{1});
  memory.Grow(8 * kStep);
  EXPECT_EQ(memory.data()[3 * kStep], std::byte{0});
}

TEST(GrowingMemory, PrepareTakesTheFaultsOfAllButTheFirstStep) {
  GrowingMemory memory;
  memory.Prepare();
  memory.Grow(8 * kStep);
  std::thread([&] { memory.Prepare(); }).join();
  EXPECT_EQ(ResidentBytes(memory.data(), kStep), 0U);
  EXPECT_EQ(ResidentBytes(memory.data() + kStep, 7 * kStep), 7 * kStep);
  memory.Shrink(kStep);
  std::thread([&] { memory.Prepare(); }).join();
  EXPECT_EQ(ResidentBytes(memory.data() + kStep, 7 * kStep), 0U);
  memory.Grow(4 * kStep);
  std::thread([&] { memory.Prepare(); }).join();
  EXPECT_EQ(ResidentBytes(memory.data() + kStep, 3 * kStep), 3 * kStep);
}

TEST(GrowingMemory, WithoutRoomItThrowsAndStaysAsItIs) {
  GrowingMemory memory;
  memory.Grow(kStep);
  memory.data()[0] = std::byte{1};
  EXPECT_THROW(memory.Grow(std::numeric_limits<std::size_t>::max() / 2), std::bad_alloc);
  EXPECT_EQ(memory.data()[0], std::byte{1});
  memory.Grow(2 * kStep);
  memory.data()[2 * kStep - 1] = std::byte{1};
}

TEST(GrowingMemory, AsksForHugePagesOnlyWhereTheyAreOfItsSize) {
  const bool has_them = std::filesystem::exists("/sys/kernel/mm/transparent_hugepage");
  for (const int page_bytes : {4 << 10, 16 << 10, 64 << 10}) {
    told_page_bytes = page_bytes;
    GrowingMemory memory;
    memory.Grow(2 * kStep);
    told_page_bytes = 0;
    EXPECT_EQ(IsForHugePages(memory.data() + kStep), has_them && page_bytes == 4 << 10) << page_bytes;
    EXPECT_FALSE(IsForHugePages(memory.data()));
  }
}

// As under `ulimit -v`; in a process of its own, which the limit ends with.
TEST(GrowingMemory, TakesFewerAddressesWhereTheyAreLimited) {
  EXPECT_EXIT(
      {
        const AddressLimit limit(std::size_t{1} << 30);
        GrowingMemory memory;
        memory.Grow(2 * kStep);
        memory.data()[2 * kStep - 1] = std::byte{1};
        // Half of them is for others.
        _exit(std::malloc(std::size_t{500} << 20) != nullptr ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        GrowingMemory memory;
        try {
          const AddressLimit limit(std::size_t{1} << 20);
          memory.Grow(kStep);
          _exit(1);
        } catch (const std::bad_alloc&) {
        }
        memory.Grow(kStep);
        memory.data()[kStep - 1] = std::byte{1};
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(GrowingMemory, MovesWithItsContents) {
  GrowingMemory one;
  one.Grow(kStep);
  one.data()[5] = std::byte{7};
  GrowingMemory other(std::move(one));
  EXPECT_EQ(other.data()[5], std::byte{7});
  other.Grow(2 * kStep);
  EXPECT_EQ(other.data()[2 * kStep - 1], std::byte{0});
}

}  // namespace
}  // namespace dedup

// ThreadSanitizer asks for it before it is ready itself.
extern "C" __attribute__((used, visibility("default"), no_sanitize("thread"))) int getpagesize() noexcept {
  return dedup::told_page_bytes != 0 ? dedup::told_page_bytes : static_cast<int>(sysconf(_SC_PAGESIZE));
}
