#include "base/threads.hpp"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

/// Processors of the cgroup's CPU quota, rounded up; 0 where there is none.
int cgroup_quota() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  long period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0)
    return static_cast<int>((std::atol(quota.c_str()) + period - 1) / period);
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  long microseconds = 0;
  if (v1_quota >> microseconds && v1_period >> period && microseconds > 0 && period > 0)
    return static_cast<int>((microseconds + period - 1) / period);
  return 0;
}

int chosen_threads = 0;

}  // namespace

int default_thread_count() {
  if (const char* asked = std::getenv("OMP_NUM_THREADS"); asked != nullptr && *asked != 0) {
    try {
      const std::int64_t n = parse_integer(asked);
      if (n >= 1) return static_cast<int>(std::min<std::int64_t>(n, 4096));
    } catch (const UsageError&) {  // lists such as "4,2" are OpenMP's own affair: fall through to what the machine has
    }
  }
  cpu_set_t mask;
  int processors = 1;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) processors = std::max(1, CPU_COUNT(&mask));
  const int quota = cgroup_quota();
  return quota > 0 ? std::min(processors, quota) : processors;
}

void set_thread_count(int n) { chosen_threads = n; }

int thread_count() {
  if (chosen_threads == 0) chosen_threads = default_thread_count();
  return chosen_threads;
}

void parallel_blocks(std::int64_t blocks, const std::function<void(std::int64_t)>& work) {
  const int threads = static_cast<int>(std::min<std::int64_t>(thread_count(), blocks));
  if (threads <= 1) {
    for (std::int64_t block = 0; block < blocks; ++block) work(block);
    return;
  }
  std::exception_ptr first;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (std::int64_t block = 0; block < blocks; ++block) {
    try {
      work(block);
    } catch (...) {
#pragma omp critical(noiseutils_parallel_blocks)
      if (!first) first = std::current_exception();
    }
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace noiseutils
