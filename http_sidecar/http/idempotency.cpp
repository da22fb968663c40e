#include "http_sidecar/http/idempotency.h"

namespace dedup::sidecar {
namespace {

constexpr std::size_t kKeysMax = 10'000;
constexpr std::size_t kBytesMax = std::size_t{64} << 20;

std::size_t SizeOf(const std::string& key, const Answer& answer) { return 2 * key.size() + answer.body.size(); }

}  // namespace

KeyHash Idempotency::HashOf(const Request& request) const {
  std::string head = request.target + "\n" + request.content_type;
  for (const auto& [name, value] : request.headers_after("ce-")) head += "\n" + name + ":" + value;
  return HashKey(secret_, head, request.body);
}

Answer Idempotency::Serve(const std::string& key, const Request& request, const std::function<Answer()>& serve) {
  const KeyHash hash = HashOf(request);
  {
    const std::lock_guard lock(mutex_);
    const auto [known, is_new] = entries_.try_emplace(key, Entry{.request = hash});
    if (!is_new) {
      const Entry& entry = known->second;
      if (entry.request != hash) {
        return ProblemAnswer({problems::kKeyReused,
                              "this Idempotency-Key came before with another request; a new request takes a new key"});
      }
      if (!entry.is_served) {
        return ProblemAnswer({problems::kKeyInUse,
                              "the first request with this Idempotency-Key is still being served; try again later"});
      }
      Answer answer = entry.answer;
      answer.headers.emplace_back("Idempotency-Replayed", "true");
      return answer;
    }
  }
  // Whatever becomes of it, the key must not stay taken.
  struct Farewell {
    Idempotency* idempotency;
    const std::string& key;
    bool is_kept = false;
    ~Farewell() {
      if (is_kept) return;
      const std::lock_guard lock(idempotency->mutex_);
      idempotency->entries_.erase(key);
    }
  } farewell{this, key};
  Answer answer = serve();
  if (answer.status == 200) {
    Keep(key, answer);
    farewell.is_kept = true;
  }
  return answer;
}

void Idempotency::Keep(const std::string& key, const Answer& answer) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.at(key);
  entry.answer = answer;
  kept_.push_back(key);
  entry.is_served = true;
  kept_bytes_ += SizeOf(key, answer);
  while (kept_.size() > kKeysMax || kept_bytes_ > kBytesMax) {
    const auto oldest = entries_.find(kept_.front());
    kept_bytes_ -= SizeOf(oldest->first, oldest->second.answer);
    entries_.erase(oldest);
    kept_.pop_front();
  }
}

}  // namespace dedup::sidecar
