// How a thread with much to do leaves the processors to those who have little to do, but at once.
#pragma once

#include <chrono>
#include <functional>

namespace dedup {

/// Whether a thread that has waited for `given_up` since BePatientUntil, in all its offers, must insist on its share.
using IsLate = std::function<bool(std::chrono::nanoseconds given_up)>;

/// Makes the calling thread patient until `is_late`; nothing ends its patience at once. Asked at every offer of
/// YieldIfPatient, so it must be cheap; it must not throw.
///
/// On a machine with few processors the writer's work stands in the way of the broker's main thread, and of publishers
/// and subscribers on the same machine, for as long as the kernel lets a thread run once it does: some milliseconds.
void BePatientUntil(IsLate is_late);

/// Offers the processor to whoever waits for it, if the calling thread is patient and has worked for some microseconds
/// since its last offer. To be called as often. Nobody waiting, an offer costs a system call.
void YieldIfPatient();

}  // namespace dedup
