// Messages that were watched, kept together in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace dedup::command {

using Property = std::pair<std::string_view, std::string_view>;  // name and value

/// A publish as it was seen. Views are of whoever made it; those of a Capture's messages are of the Capture.
struct Message {
  double time_s = 0;  ///< seconds since some moment, the same for all messages of a capture
  std::string_view topic;
  std::string_view payload;
  std::string_view client;  ///< the publisher's id; empty where it is not known
  std::string_view content_type;
  std::span<const Property> properties;  ///< user properties
  std::uint8_t qos = 0;
  bool retain = false;
};

/// Messages in order of arrival.
///
/// Limits: kMessagesMax messages and kTextBytesMax bytes of their texts; beyond them nothing is added. With what an
/// analysis needs beside it, a full capture takes less than 1 GiB. Threading: none of its own. Errors: std::bad_alloc.
class Capture {
 public:
  static constexpr std::size_t kMessagesMax = 1'000'000;
  static constexpr std::size_t kTextBytesMax = std::size_t{512} << 20;

  explicit Capture(std::size_t messages_max = kMessagesMax, std::size_t text_bytes_max = kTextBytesMax)
      : messages_max_(messages_max), text_bytes_max_(text_bytes_max) {}
  Capture(const Capture&) = delete;  // its messages point into it
  Capture& operator=(const Capture&) = delete;

  /// Keeps a copy of the message; false when there is no more room. Topics that begin with `$` are left out.
  bool Add(const Message& message);

  /// Brings messages that came out of order into it.
  void SortByTime();

  std::span<const Message> messages() const { return messages_; }
  bool is_full() const { return is_full_; }
  /// Whether any message's publisher is known.
  bool has_clients() const { return has_clients_; }
  /// From the first message to the last.
  double seconds() const;

 private:
  static constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

  std::string_view Keep(std::string_view text);
  std::string_view KeepOnce(std::string_view text);

  const std::size_t messages_max_;
  const std::size_t text_bytes_max_;
  std::vector<Message> messages_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t chunk_used_ = kChunkBytes;
  std::size_t text_bytes_ = 0;
  std::unordered_set<std::string_view> once_;  // topics, clients and properties, which come again and again
  std::vector<std::unique_ptr<Property[]>> properties_;
  bool is_full_ = false;
  bool has_clients_ = false;
};

}  // namespace dedup::command
