// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): one key, one result.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "http_sidecar/http/answer.h"
#include "plugin/core/event/key.h"

namespace dedup::sidecar {

/// Remembers what requests with a key were answered, in memory, the last 10,000 of them or 64 MiB. After that, or a
/// restart, a retry is answered anew, and that is safe too: its events are duplicates. Threading: any thread.
class Idempotency {
 public:
  /// The answer of `serve`, or the one that this key had before. 422 when the key came with another request, 409 while
  /// the first one is still being served. Only what succeeded is remembered: after an error the same key tries again.
  Answer Serve(const std::string& key, const Request& request, const std::function<Answer()>& serve);

 private:
  struct Entry {
    KeyHash request;
    bool is_served = false;
    Answer answer = {};
  };
  void Keep(const std::string& key, const Answer& answer);

  KeyHash HashOf(const Request& request) const;

  const HashSecret secret_ = MakeHashSecret();
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
  std::deque<std::string> kept_;          // guarded by mutex_; keys of the served ones, oldest first
  std::size_t kept_bytes_ = 0;            // guarded by mutex_
};

}  // namespace dedup::sidecar
