#include "plugin/broker/guard.h"

namespace dedup::broker {

void FlushLog(LogQueue& log) {
  if (log.empty()) return;
  for (const LogLine& line : log.Take()) {
    const int level = line.level == LogLevel::kError     ? MOSQ_LOG_ERR
                      : line.level == LogLevel::kWarning ? MOSQ_LOG_WARNING
                                                         : MOSQ_LOG_NOTICE;
    Log(level, line.text.starts_with("mosquitto-dedup") ? line.text : "mosquitto-dedup: " + line.text);
  }
}

}  // namespace dedup::broker
