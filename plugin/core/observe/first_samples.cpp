#include "plugin/core/observe/first_samples.h"

#include <algorithm>
#include <limits>

namespace dedup {
namespace {

constexpr std::int64_t kKeptMin_ms = 1000;
// So often doubled: nine hours.
constexpr std::size_t kDoublings = 16;

}  // namespace

std::string Beginning(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view kMark = "…";
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t size = bytes_max - kMark.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)).append(kMark);
}

FirstSamples::FirstSamples(std::size_t count)
    : samples_(count), payloads_(std::make_unique_for_overwrite<char[]>(count * kPayloadBytesMax)) {}

std::int64_t FirstSamples::KeptUntil_ms(std::size_t i) const {
  const Sample& sample = samples_[i];
  if (sample.uses >= kUsesMax) return std::numeric_limits<std::int64_t>::min();
  return sample.taken_ms + (kKeptMin_ms << ((i * kDoublings + kDoublings / 2) / samples_.size()));
}

std::uint32_t FirstSamples::Take(std::uint64_t key, const Publish& publish, std::int64_t now_ms) {
  if (now_ms < next_free_ms_ || publish.payload.size() > kPayloadBytesMax) return 0;
  std::int64_t next_free_ms = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const std::int64_t kept_until_ms = KeptUntil_ms(i);
    next_free_ms = std::min(next_free_ms, kept_until_ms);
    if (kept_until_ms > now_ms) continue;
    Sample& sample = samples_[i];
    char* const payload = payloads_.get() + i * kPayloadBytesMax;
    sample.uses = kUsesMax;  // free, as long as it is not whole
    sample.topic = Beginning(publish.topic, kTextBytesMax);
    sample.client_id = Beginning(publish.client_id, kTextBytesMax);
    sample.payload_begin = payload;
    sample.payload_bytes = publish.payload.copy(payload, kPayloadBytesMax);
    sample.key = key;
    sample.taken_ms = now_ms;
    sample.uses = 0;
    return static_cast<std::uint32_t>(i + 1);
  }
  next_free_ms_ = next_free_ms;
  return 0;
}

const FirstSamples::Sample* FirstSamples::Use(std::uint32_t number, std::uint64_t key) {
  if (number == 0) return nullptr;
  Sample& sample = samples_[number - 1];
  if (sample.key != key || sample.uses >= kUsesMax) return nullptr;
  if (++sample.uses == kUsesMax) next_free_ms_ = 0;
  return &sample;
}

void FirstSamples::Drop(std::uint32_t number) {
  samples_[number - 1].uses = kUsesMax;
  next_free_ms_ = 0;
}

}  // namespace dedup
