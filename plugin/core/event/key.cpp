#include "plugin/core/event/key.h"

#include <sys/random.h>

#include <cerrno>

#include "plugin/core/base/errors.h"
#include "plugin/core/event/sip_hash.h"

namespace dedup {

HashSecret MakeHashSecret() {
  HashSecret secret;
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) {
    throw StorageError("getrandom", "for the hash secret", errno);
  }
  return secret;
}

// The sizes keep ("ab", "c") and ("a", "bc") apart.
KeyHash HashKey(const HashSecret& secret, std::string_view topic, std::string_view event_id) {
  SipHash128 hash(secret);
  hash.Add(std::uint64_t{topic.size()} | std::uint64_t{event_id.size()} << 32);
  hash.Add(topic);
  hash.Add(event_id);
  return hash.Finish();
}

}  // namespace dedup
