#include "patience.h"

#include <sched.h>

#include <chrono>
#include <utility>

namespace dedup {
namespace {

using std::chrono::steady_clock;

// Rarer offers do not make up for what is withheld between them: with 20 us deliveries waited up to twice as long.
constexpr std::chrono::microseconds kWorkMax{5};

thread_local std::function<bool()> is_late_now;
thread_local steady_clock::time_point next_offer;

}  // namespace

void BePatientUntil(std::function<bool()> is_late) { is_late_now = std::move(is_late); }

void YieldIfPatient() {
  if (!is_late_now || steady_clock::now() < next_offer) return;
  if (is_late_now()) {
    is_late_now = nullptr;
    return;
  }
  sched_yield();
  next_offer = steady_clock::now() + kWorkMax;
}

}  // namespace dedup
