#include <string>
#include <string_view>

#include "http_sidecar/endpoints/endpoints.h"
#include "http_sidecar/endpoints/health.h"
#include "plugin/core/text/json_writer.h"

namespace dedup::sidecar {
namespace {

struct Disk {
  std::uint64_t free_bytes = 0;
  std::uint64_t free_bytes_min = 0;
  std::string trouble = {};
};

// What a full journal holds must find room in the store: with less than that a burst would end in refusals.
Disk CheckDisk(const EventStore& store, const Statistics& statistics) {
  Disk disk{.free_bytes = store.DiskFreeBytes(), .free_bytes_min = statistics.journal_size_bytes};
  if (disk.free_bytes < disk.free_bytes_min) {
    disk.trouble = "the disk has " + std::to_string(disk.free_bytes) + " bytes left, less than the journal's size, " +
                   std::to_string(disk.free_bytes_min);
  }
  return disk;
}

}  // namespace

Answer ServeReady(Api& api, Request& request) {
  const Health health = CheckHealth(api);
  const Disk disk = health.statistics ? CheckDisk(api.store, *health.statistics) : Disk();
  std::string trouble = Joined({health.broker, health.plugin, health.store, disk.trouble});
  const auto word = [](std::string_view part) { return part.empty() ? "ok" : "failing"; };
  ObjectText checks;
  checks.AddText("broker", word(health.broker)).AddText("store", word(health.store));
  // Without the store they are not known.
  if (health.statistics) checks.AddText("plugin", word(health.plugin)).AddText("disk", word(disk.trouble));
  const bool is_stranger = request.caller.is_stranger();
  if (is_stranger && !trouble.empty()) trouble = kTroubleForStrangers;
  ObjectText answer;
  if (trouble.empty()) answer.AddText("status", "ready");
  answer.AddRaw("checks", checks.Take());
  if (disk.free_bytes_min != 0 && !is_stranger) {
    answer.Add("disk_free_bytes", disk.free_bytes).Add("disk_free_bytes_min", disk.free_bytes_min);
  }
  if (!trouble.empty()) return ProblemAnswer({problems::kNotReady, trouble}, std::move(answer));
  return {.status = 200, .body = answer.Take()};
}

}  // namespace dedup::sidecar
