#include "http_sidecar/base/stderr_log.h"

#include <cstdio>
#include <string>

namespace dedup::sidecar {

void Log(std::string_view line) { WriteLine("mosquitto-dedup-http: " + std::string(line)); }

void WriteLine(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace dedup::sidecar
