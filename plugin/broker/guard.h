// What stands between the broker, which is C, and code that throws; and the broker's log.
#pragma once

#include <exception>
#include <string>

#include "plugin/broker/mosquitto.h"
#include "plugin/core/base/log.h"

namespace dedup::broker {

/// Any error but ACL_DENIED makes the broker close the connection without an acknowledgement (ACL_DENIED would
/// acknowledge); this one it also logs in fitting words.
inline constexpr int kRefuseUnacknowledged = MOSQ_ERR_ADMINISTRATIVE_ACTION;

/// One line in the broker's log, at one of its levels (MOSQ_LOG_…).
inline void Log(int level, const std::string& text) { mosquitto_log_printf(level, "%s", text.c_str()); }

/// Writes what the core has queued to the broker's log.
void FlushLog(LogQueue& log);

/// Runs the body of a callback; returns what it returns, or `failure` when it throws. No exception leaves it, because
/// that would abort the broker. `where` names the callback in the log.
template <class Body>
int Guard(const char* where, int failure, Body body) noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "mosquitto-dedup: %s: %s", where, error.what());
  } catch (...) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "mosquitto-dedup: %s: unknown error", where);
  }
  return failure;
}

}  // namespace dedup::broker
