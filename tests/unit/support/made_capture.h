// Captures made message by message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "command/capture/capture.h"

namespace dedup::command {

/// Says messages into a capture; Done() brings them into order.
class MadeCapture {
 public:
  void Say(double time_s, std::string_view topic, std::string_view payload, std::string_view client = {},
           const std::vector<Property>& properties = {}) {
    Message message;
    message.time_s = 1'770'000'000 + time_s;
    message.topic = topic;
    message.payload = payload;
    message.client = client;
    message.properties = properties;
    capture_.Add(message);
  }

  const Capture& Done() {
    capture_.SortByTime();
    return capture_;
  }

 private:
  Capture capture_;
};

/// Numbers that look like chance and are the same in each run.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15 + 1) {}

  /// 0 to below - 1
  int Below(int below) { return static_cast<int>(Next() % static_cast<std::uint64_t>(below)); }
  double Between(double low, double high) { return low + (high - low) * static_cast<double>(Next() >> 11) * 0x1p-53; }
  std::string Hex(int digits) {
    std::string text;
    while (digits-- > 0) text += "0123456789abcdef"[Below(16)];
    return text;
  }

 private:
  std::uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

  std::uint64_t state_;
};

}  // namespace dedup::command
