#include "tests/bench/events.h"

#include <charconv>
#include <cstdio>

namespace dedup::bench {
namespace {

constexpr std::size_t kNumberDigits = 9;
constexpr std::string_view kEnd = "\"}";

}  // namespace

std::string IdSource::Next() {
  ++count_;
  if (kind_ == IdKind::kCounter) return std::to_string(count_);
  // A v7 begins with the milliseconds: as if there were 100 events in each.
  const std::uint64_t a =
      kind_ == IdKind::kUuidV7 ? (1'767'225'600'000 + count_ / 100) << 16 | (random_() & 0xFFFF) : random_();
  const std::uint64_t b = random_();
  char id[37];
  std::snprintf(id, sizeof id, "%08x-%04x-%c%03x-%04x-%012llx", static_cast<unsigned>(a >> 32),
                static_cast<unsigned>(a >> 16 & 0xFFFF), kind_ == IdKind::kUuidV7 ? '7' : '4',
                static_cast<unsigned>(a & 0xFFF), static_cast<unsigned>(b >> 48 & 0x3FFF) | 0x8000U,
                static_cast<unsigned long long>(b & 0xFFFF'FFFF'FFFF));
  return id;
}

std::string MakeEvent(std::string_view id, std::size_t number, std::size_t bytes) {
  std::string json = "{\"topic\":\"sensor/1\",";
  if (!id.empty()) (json += "\"event_id\":\"").append(id) += "\",";
  json += "\"timestamp\":\"2026-01-01T00:00:00Z\",\"source\":\"bench\",\"payload\":\"";
  const std::size_t end_bytes = kNumberDigits + kEnd.size();
  if (json.size() + end_bytes < bytes) json.append(bytes - json.size() - end_bytes, 'x');
  char digits[kNumberDigits + 1];
  std::snprintf(digits, sizeof digits, "%0*zu", static_cast<int>(kNumberDigits), number % 1'000'000'000);
  return json.append(digits).append(kEnd);
}

std::size_t NumberOf(std::string_view payload) {
  std::size_t number = 0;
  const char* const end = payload.data() + payload.size() - kEnd.size();
  std::from_chars(end - kNumberDigits, end, number);
  return number;
}

}  // namespace dedup::bench
