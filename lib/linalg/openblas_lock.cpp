#include "linalg/openblas_lock.hpp"

#ifdef NOISEUTILS_OPENBLAS

#include <dlfcn.h>

#include <atomic>
#include <mutex>

extern "C" {
int openblas_get_parallel() __attribute__((weak));
void* blas_memory_alloc(int position);
void blas_memory_free(void* buffer);
}

namespace {

std::mutex buffers;
std::atomic<bool> lock_is_used{false};

template <class Function>
Function* next_of(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// OpenBLAS calls these two through its symbol table, so a program's own definitions come first: the lock, then the
// library's function.
void* blas_memory_alloc(int position) {
  static const auto original = next_of(&blas_memory_alloc, "blas_memory_alloc");
  lock_is_used = true;
  const std::lock_guard lock(buffers);
  return original(position);
}
void blas_memory_free(void* buffer) {
  static const auto original = next_of(&blas_memory_free, "blas_memory_free");
  const std::lock_guard lock(buffers);
  original(buffer);
}

namespace noiseutils {

bool openblas_is_thread_safe() { return lock_is_used || (openblas_get_parallel && openblas_get_parallel() != 0); }

}  // namespace noiseutils

#else

namespace noiseutils {
bool openblas_is_thread_safe() { return true; }
}  // namespace noiseutils

#endif
