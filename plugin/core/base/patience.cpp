#include "plugin/core/base/patience.h"

#include <sched.h>

#include <chrono>
#include <utility>

namespace dedup {
namespace {

using std::chrono::steady_clock;

// Rarer offers do not make up for what is withheld between them: with 20 us deliveries waited up to twice as long.
constexpr std::chrono::microseconds kWorkMax{5};

thread_local IsLate is_late_now;
thread_local std::chrono::nanoseconds given_up_now;
thread_local steady_clock::time_point next_offer;

}  // namespace

void BePatientUntil(IsLate is_late) {
  is_late_now = std::move(is_late);
  given_up_now = {};
}

void YieldIfPatient() {
  if (!is_late_now) return;
  const steady_clock::time_point before = steady_clock::now();
  if (before < next_offer) return;
  if (is_late_now(given_up_now)) {
    is_late_now = nullptr;
    return;
  }
  sched_yield();
  const steady_clock::time_point after = steady_clock::now();
  given_up_now += after - before;
  next_offer = after + kWorkMax;
}

}  // namespace dedup
