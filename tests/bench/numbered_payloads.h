// Payloads of 200 bytes by number, the same in every process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace dedup::bench {

inline constexpr std::size_t kPayloadBytes = 200;

/// A different 64-bit number for every `i`, as if drawn at random (SplitMix64).
inline std::uint64_t Mix(std::uint64_t i) {
  std::uint64_t z = i * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// The i-th event's id, a UUIDv4.
inline std::string IdOf(std::uint64_t i) {
  const std::uint64_t a = Mix(2 * i + 1);
  const std::uint64_t b = Mix(2 * i + 2);
  char id[37];
  std::snprintf(id, sizeof id, "%08x-%04x-4%03x-%04x-%012llx", static_cast<unsigned>(a >> 32),
                static_cast<unsigned>(a >> 16 & 0xFFFF), static_cast<unsigned>(a & 0xFFF),
                static_cast<unsigned>(b >> 48 & 0x3FFF) | 0x8000U, static_cast<unsigned long long>(b & 0xFFFFFFFFFFFF));
  return id;
}

/// Ends a JSON object whose last member's string has begun.
inline std::string Padded(std::string json) {
  if (json.size() + 2 < kPayloadBytes) json.append(kPayloadBytes - json.size() - 2, 'x');
  return json + "\"}";
}

inline std::string EventPayload(std::uint64_t i) {
  return Padded("{\"topic\":\"sensor/1\",\"event_id\":\"" + IdOf(i) +
                "\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"source\":\"bench\",\"payload\":\"");
}

}  // namespace dedup::bench
