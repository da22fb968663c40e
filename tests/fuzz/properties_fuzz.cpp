// A publish's properties as a record, or a row of in_doubt, keeps them: any bytes may stand there.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "plugin/broker/mosquitto.h"
#include "plugin/broker/properties.h"

// The broker's, which nothing here needs.
extern "C" void mosquitto_free(void* memory) { std::free(memory); }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view encoded(reinterpret_cast<const char*>(data), size);
  std::vector<dedup::UserProperty> list;
  dedup::broker::ListUserProperties(encoded, &list);
  std::size_t bytes = 0;
  for (const dedup::UserProperty& property : list) bytes += property.name.size() + property.value.size();
  if (bytes > size) __builtin_trap();
  static_cast<void>(dedup::broker::MakeProperties(encoded));
  return 0;
}
