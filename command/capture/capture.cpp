#include "command/capture/capture.h"

#include <algorithm>
#include <cstring>

namespace dedup::command {

bool Capture::Add(const Message& message) {
  if (message.topic.starts_with('$')) return true;
  std::size_t text_bytes = message.topic.size() + message.payload.size() + message.client.size();
  for (const auto& [name, value] : message.properties) text_bytes += name.size() + value.size() + sizeof(Property);
  if (is_full_ || messages_.size() == messages_max_ || text_bytes > text_bytes_max_ - text_bytes_) {
    is_full_ = true;
    return false;
  }
  text_bytes_ += text_bytes;

  Message kept = message;
  kept.topic = KeepOnce(message.topic);
  kept.client = KeepOnce(message.client);
  kept.content_type = KeepOnce(message.content_type);
  kept.payload = Keep(message.payload);
  if (!message.properties.empty()) {
    properties_.push_back(std::make_unique<Property[]>(message.properties.size()));
    Property* const properties = properties_.back().get();
    std::transform(message.properties.begin(), message.properties.end(), properties, [this](const Property& property) {
      return Property(KeepOnce(property.first), Keep(property.second));
    });
    kept.properties = {properties, message.properties.size()};
  }
  has_clients_ = has_clients_ || !message.client.empty();
  messages_.push_back(kept);
  return true;
}

void Capture::SortByTime() {
  std::stable_sort(messages_.begin(), messages_.end(),
                   [](const Message& a, const Message& b) { return a.time_s < b.time_s; });
}

double Capture::seconds() const { return messages_.empty() ? 0 : messages_.back().time_s - messages_.front().time_s; }

std::string_view Capture::Keep(std::string_view text) {
  if (text.size() > kChunkBytes - chunk_used_) {
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(std::max(kChunkBytes, text.size())));
    chunk_used_ = text.size() > kChunkBytes ? kChunkBytes : 0;
    if (text.size() > kChunkBytes) {
      std::memcpy(chunks_.back().get(), text.data(), text.size());
      return {chunks_.back().get(), text.size()};
    }
  }
  if (text.empty()) return {};
  char* const place = chunks_.back().get() + chunk_used_;
  std::memcpy(place, text.data(), text.size());
  chunk_used_ += text.size();
  return {place, text.size()};
}

std::string_view Capture::KeepOnce(std::string_view text) {
  const auto found = once_.find(text);
  if (found != once_.end()) return *found;
  return *once_.insert(Keep(text)).first;
}

}  // namespace dedup::command
