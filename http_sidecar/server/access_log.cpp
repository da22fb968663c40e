#include "http_sidecar/server/access_log.h"

#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <iterator>

#include "http_sidecar/base/time.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {
namespace {

// What a client wrote, in bytes that no log and no terminal takes for anything else.
std::string Visible(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string visible;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7F) {
      visible.push_back(c);
    } else {
      visible.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return visible;
}

std::string Milliseconds(std::chrono::duration<double> time) {
  char digits[32];
  return {digits,
          std::to_chars(std::begin(digits), std::end(digits), time.count() * 1000, std::chars_format::fixed, 3).ptr};
}

// Tells the ids of this process from those of others, as far as a log needs it.
std::string MakePrefix() {
  std::uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) {
    random = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  }
  char digits[16];
  return std::string(digits, std::to_chars(std::begin(digits), std::end(digits), random, 16).ptr) + "-";
}

}  // namespace

std::string AccessLine(const AccessRecord& record, std::int64_t now_us) {
  return ObjectText()
      .AddText("time", FormatTime(now_us))
      .AddText("method", Visible(record.method))
      .AddText("path", Visible(record.target.substr(0, record.target.find('?'))))
      .Add("status", static_cast<std::uint64_t>(record.status))
      .Add("bytes", record.bytes)
      .AddRaw("duration_ms", Milliseconds(record.took))
      .AddText("client", record.client)
      .AddText("request_id", record.request_id)
      .Take();
}

std::string RequestId(std::string_view given) {
  constexpr std::size_t kBytesMax = 128;
  const auto is_harmless = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-_.:/+=@").find(c) != std::string_view::npos;
  };
  if (!given.empty() && given.size() <= kBytesMax && std::ranges::all_of(given, is_harmless)) return std::string(given);
  static const std::string prefix = MakePrefix();
  static std::atomic<std::uint64_t> count = 0;
  return prefix + std::to_string(++count);
}

}  // namespace dedup::sidecar
