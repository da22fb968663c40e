#include "plugin/core/journal/journal_sync.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>

#include "plugin/core/base/patience.h"

namespace dedup {
namespace {

std::size_t PageBytes() {
  static const auto kBytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return kBytes;
}

// ThreadSanitizer takes the addition of zero for a write that races with the readers of those bytes.
__attribute__((no_sanitize("thread"))) void DirtyPage(std::byte* page) {
  std::atomic_ref(*reinterpret_cast<std::uint64_t*>(page)).fetch_add(0, std::memory_order_relaxed);
}

std::uint64_t WholeGranules(std::uint64_t position) {
  return position / JournalHeader::kGranularityBytes * JournalHeader::kGranularityBytes;
}

}  // namespace

JournalSync::JournalSync(const File& file, const RingMapping& mapping, const std::atomic<std::uint64_t>& free_position,
                         const std::atomic<std::uint64_t>& appended_position)
    : file_(file), mapping_(mapping), free_position_(free_position), appended_position_(appended_position) {
  BeginAt(free_position_);
}

void JournalSync::BeginAt(std::uint64_t position) { begun_position_ = WholeGranules(position); }

JournalHeader& JournalSync::header() { return *reinterpret_cast<JournalHeader*>(mapping_.header()); }

void JournalSync::Run() {
  BeginWriteBack();
  const std::lock_guard lock(mutex_);
  if (!healthy()) Rewrite();
  const auto begin = std::chrono::steady_clock::now();
  try {
    file_.SyncData();
  } catch (...) {
    SetHealthy(false);
    throw;
  }
  Count(std::chrono::steady_clock::now() - begin);
  SetHealthy(true);
}

void JournalSync::BeginWriteBack() {
  // Whole pages: the one that is being written to is left to the sync.
  const std::uint64_t end = WholeGranules(appended_position_.load(std::memory_order_acquire));
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (end < begun_position_ || end - begun_position_ < kWriteBackStepBytes) return;
      const std::uint64_t offset = begun_position_ % mapping_.ring_size();
      const std::uint64_t size = std::min<std::uint64_t>(kWriteBackStepBytes, mapping_.ring_size() - offset);
      begun_position_ += size;
      try {
        file_.StartWriteBack(JournalHeader::kRoomBytes + offset, size);
      } catch (...) {
        SetHealthy(false);
        throw;
      }
    }
    YieldIfPatient();  // without the mutex, for others need not be as patient
  }
}

// After a failed sync the kernel may hold the pages as clean though the disk never got them. An addition of zero makes
// each of them dirty again without changing a byte, whatever the other thread is writing.
void JournalSync::Rewrite() {
  DirtyPage(mapping_.header());
  // A page that begins before the appended position has its first word written for good: new records are beyond it. But
  // in a full ring the newest may share the page with the oldest, so the addition is an atomic one.
  const std::uint64_t end = appended_position_.load(std::memory_order_acquire);
  for (std::uint64_t position = free_position_.load(std::memory_order_acquire) / PageBytes() * PageBytes();
       position < end; position += PageBytes()) {
    DirtyPage(mapping_.ring() + position % mapping_.ring_size());
  }
}

void JournalSync::Count(std::chrono::steady_clock::duration took) {
  SyncDurations& durations = header().sync_durations;
  std::uint64_t& count = durations.counts[SyncDurations::BucketOf(took)];
  StoreShared(count, count + 1);
  const auto took_us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
  StoreShared(durations.sum_us, durations.sum_us + static_cast<std::uint64_t>(took_us));
}

void JournalSync::SetHealthy(bool healthy) {
  healthy_.store(healthy, std::memory_order_relaxed);
  StoreShared(header().journal_failing, std::uint64_t{!healthy});
}

}  // namespace dedup
