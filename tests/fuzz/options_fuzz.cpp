// ParseOptions takes every byte sequence: it returns options within their limits, or an OptionError that names the
// option.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/core/base/errors.h"
#include "plugin/core/options.h"
#include "plugin/core/text/topic_filter.h"

// A line of the input is `name value`.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t space = line.find(' ');
    pairs.emplace_back(line.substr(0, space), space == std::string_view::npos ? "" : line.substr(space + 1));
  }
  try {
    const dedup::Options options = dedup::ParseOptions(pairs);
    const bool sane = !options.topics.empty() && options.journal_bytes >= 64 << 10 &&
                      options.fsync_interval.count() >= 0 && (!options.window || options.window->count() > 0) &&
                      (!options.retention || (options.window && *options.retention >= *options.window));
    if (!sane) std::abort();
    for (const std::string& topic : options.topics) {
      if (!dedup::IsTopicFilter(topic)) std::abort();
    }
  } catch (const dedup::OptionError& error) {
    if (std::string_view(error.what()).find("plugin_opt_") == std::string_view::npos) std::abort();
  }
  return 0;
}
