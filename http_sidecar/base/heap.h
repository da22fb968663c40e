// What the C library does with memory that was given back to it.
#pragma once

namespace dedup::sidecar {

/// Large blocks go back to the system as soon as they are freed, and threads share a few heaps. To be called before
/// there are threads.
void LimitHeap();

/// Gives back what lies free between blocks that are in use. It takes milliseconds. Threading: any thread.
void TrimHeap();

}  // namespace dedup::sidecar
