// Texts of a JSON payload fed to a hash as what they mean, without a copy of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "plugin/core/event/sip_hash.h"
#include "plugin/core/text/json.h"

namespace dedup {

/// The bytes that a string's text (with quotes, already validated) means.
inline std::size_t UnescapedSize(std::string_view text) {
  std::size_t size = 0;
  json::UnescapedRuns runs(text);
  for (std::string_view run; runs.Next(&run);) size += run.size();
  return size;
}

/// The hash after Add(what the text means).
inline SipHash128 WithUnescaped(SipHash128 hash, std::string_view text) {
  char word[8];
  std::size_t used = 0;
  json::UnescapedRuns runs(text);
  for (std::string_view run; runs.Next(&run);) {
    while (!run.empty()) {
      const std::size_t size = std::min(run.size(), sizeof word - used);
      std::memcpy(word + used, run.data(), size);
      run.remove_prefix(size);
      used += size;
      if (used < sizeof word) break;
      hash.Add(std::string_view(word, sizeof word));
      used = 0;
    }
  }
  hash.Add(std::string_view(word, used));
  return hash;
}

}  // namespace dedup
