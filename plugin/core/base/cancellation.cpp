#include "plugin/core/base/cancellation.h"

#include <pthread.h>

namespace dedup {

CancellationOff::CancellationOff() {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state_before_);
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type_before_);
}

CancellationOff::~CancellationOff() {
  pthread_setcanceltype(type_before_, nullptr);
  pthread_setcancelstate(state_before_, nullptr);
}

}  // namespace dedup
