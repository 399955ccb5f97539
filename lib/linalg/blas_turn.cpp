#include "linalg/blas_turn.hpp"

#include <Eigen/Core>

#ifdef NOISEUTILS_OPENBLAS

#include <dlfcn.h>

#include <atomic>
#include <vector>

extern "C" {
void* blas_memory_alloc(int position);
void blas_memory_free(void* buffer);
void dgemm_(const char*, const char*, const int*, const int*, const int*, const double*, const double*, const int*,
            const double*, const int*, const double*, double*, const int*);
// Weak: another BLAS of the same interface may stand in for OpenBLAS at run time and has neither.
void openblas_set_num_threads(int) __attribute__((weak));
int openblas_get_parallel() __attribute__((weak));
}

namespace {

std::mutex buffers;
std::atomic<bool> buffers_are_locked{false};

template <class Function>
Function* next_of(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// OpenBLAS calls these two through its symbol table, so a program's own definitions come first: the lock, then the
// library's function.
void* blas_memory_alloc(int position) {
  static const auto original = next_of(&blas_memory_alloc, "blas_memory_alloc");
  buffers_are_locked = true;
  const std::lock_guard lock(buffers);
  return original(position);
}
void blas_memory_free(void* buffer) {
  static const auto original = next_of(&blas_memory_free, "blas_memory_free");
  const std::lock_guard lock(buffers);
  original(buffer);
}

namespace {

/// Returns whether calls must take turns.
bool set_up() {
  Eigen::setNbThreads(1);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  if (openblas_get_parallel != nullptr && openblas_get_parallel() != 0) return false;  // threaded builds have the lock
  // A product large enough to need a buffer shows whether our functions are the ones that it calls.
  const int n = 128;
  const double one = 1, zero = 0;
  const std::vector<double> zeros(n * n);
  std::vector<double> result(n * n);
  dgemm_("N", "N", &n, &n, &n, &one, zeros.data(), &n, zeros.data(), &n, &zero, result.data(), &n);
  return !buffers_are_locked;
}

}  // namespace

#else

namespace {

bool set_up() {
  Eigen::setNbThreads(1);
  return false;
}

}  // namespace

#endif

namespace noiseutils {

std::unique_lock<std::mutex> blas_turn() {
  static std::mutex one_at_a_time;
  static const bool needed = set_up();
  return needed ? std::unique_lock(one_at_a_time) : std::unique_lock<std::mutex>();
}

}  // namespace noiseutils
