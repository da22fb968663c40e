// What a batch must fit to be published: the settings of one connection's broker and plugin.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "http_sidecar/base/problem.h"
#include "http_sidecar/mqtt/batch.h"
#include "plugin/core/contract/control.h"

namespace dedup::sidecar {

/// What is said of an event that is beyond what the broker takes.
inline constexpr char kTooLargeForBroker[] = "is larger than the broker takes";

/// A value; the broker's defaults are what MQTT says of one that tells nothing.
struct Session {
  std::uint64_t number = 0;  ///< tells it from the sessions before
  PluginSettings plugin = {};
  std::size_t packet_bytes_max = 268'435'455;
  int qos_max = 2;
  bool can_retain = true;
  // The broker has a limit for payloads, too, which it announces nowhere.
  /// It takes payloads of so many bytes.
  std::size_t taken_bytes = 0;
  /// It does not take payloads of so many bytes, until `refused_until`: by then it may have been told another limit.
  std::size_t refused_bytes = std::numeric_limits<std::size_t>::max();
  std::chrono::steady_clock::time_point refused_until = {};

  /// Whether the broker takes a payload of so many bytes; nothing where that is still to be found out.
  std::optional<bool> TakesPayload(std::size_t payload_bytes) const;
  void NoteTaken(std::size_t payload_bytes);
  void NoteRefused(std::size_t payload_bytes);

  /// The value of the user property that an event takes with its id; empty: none. The plugin reads the id from the
  /// posted JSON, unless it was told to look at another member or the event has another one.
  std::string_view IdPropertyOf(const Event& event) const;

  /// The first thing about the batch that this broker or its plugin would not take: 413 or 422.
  std::optional<Problem> Check(const Batch& batch) const;
  /// The first event with a payload that the broker is known not to take: 413.
  std::optional<Problem> CheckPayloads(const std::vector<Event>& events) const;

 private:
  std::optional<Problem> Check(const Event& event, std::size_t index) const;
};

}  // namespace dedup::sidecar
