#include "http_sidecar/base/heap.h"

#include <malloc.h>

namespace dedup::sidecar {

void LimitHeap() {
#ifdef __GLIBC__
  // By itself the limit grows with each such block that is freed, up to 32 MiB: then bodies and pages stay for good.
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  mallopt(M_ARENA_MAX, 4);
#endif
}

void TrimHeap() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace dedup::sidecar
