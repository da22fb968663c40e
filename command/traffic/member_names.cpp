#include "command/traffic/member_names.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

namespace dedup::command {
namespace {

constexpr std::string_view kDeviceWords[] = {"id",      "mac",    "eui",    "serial",  "imei",     "device",  "addr",
                                             "address", "tag",    "node",   "name",    "from",     "source",  "sensor",
                                             "meter",   "unit",   "gw",     "gateway", "receiver", "station", "host",
                                             "reader",  "bridge", "router", "server",  "hub",      "vehicle", "veh",
                                             "mmsi",    "dev",    "src",    "sn",      "asset",    "machine", "thing"};
constexpr std::string_view kLinkWords[] = {"rssi", "snr",     "lqi",     "link", "signal", "noise", "hop",  "distance",
                                           "freq", "channel", "quality", "dbm",  "ppm",    "gain",  "score"};
constexpr std::string_view kTryWords[] = {"attempt", "retry", "retries", "dup", "deliver", "resend", "resent"};

// The last part of its name, in lower case.
std::string NameIn(const Column& column) {
  std::string name = column.name.substr(column.name.rfind('/') + 1);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

}  // namespace

bool LooksLikeDevice(const Column& column) {
  if (!column.is_persistent || column.is_time || column.has_fractions) return false;
  if (column.place != Column::Place::kMember && column.place != Column::Place::kProperty) return false;
  const std::string name = NameIn(column);
  return std::any_of(std::begin(kDeviceWords), std::end(kDeviceWords),
                     [&](std::string_view word) { return name.ends_with(word); });
}

bool IsOfLink(const Column& column) {
  const std::string name = NameIn(column);
  return std::any_of(std::begin(kLinkWords), std::end(kLinkWords),
                     [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

bool CountsTries(const Column& column) {
  const std::string name = NameIn(column);
  return std::any_of(std::begin(kTryWords), std::end(kTryWords),
                     [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

}  // namespace dedup::command
