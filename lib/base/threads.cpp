#include "base/threads.hpp"

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "base/error.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

/// Processors of a quota in microseconds a period, rounded up; 0 for "max" or no file.
int processors_of_quota(std::istream&& quota_file, std::istream&& period_file) {
  long quota = 0, period = 0;
  if (!(quota_file >> quota && period_file >> period) || quota <= 0 || period <= 0) return 0;
  return static_cast<int>((quota + period - 1) / period);
}

/// The folder of this process in the hierarchy of cgroup 2, "/" at least; "" where there is none.
std::string own_cgroup() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::/")) return line.substr(3);
  return "";
}

/// The least CPU quota of this process's cgroup and those above it, in processors rounded up; 0 where there is none.
int cgroup_quota() {
  int least = 0;
  const auto take = [&](int processors) {
    if (processors > 0 && (least == 0 || processors < least)) least = processors;
  };
  const std::filesystem::path top = "/sys/fs/cgroup";
  for (std::filesystem::path group = own_cgroup(); !group.empty(); group = group.parent_path()) {
    std::ifstream file(top / group.relative_path() / "cpu.max");
    std::string quota, period;
    file >> quota >> period;
    take(processors_of_quota(std::istringstream(quota), std::istringstream(period)));
    if (group == group.root_path()) break;
  }
  take(processors_of_quota(std::ifstream(top / "cpu/cpu.cfs_quota_us"), std::ifstream(top / "cpu/cpu.cfs_period_us")));
  return least;
}

/// Processors that this process may run on. The kernel refuses a mask that is too small for the machine.
int affinity_count() {
  for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
    const std::size_t size = CPU_ALLOC_SIZE(processors);
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> mask(CPU_ALLOC(processors),
                                                                [](cpu_set_t* m) { CPU_FREE(m); });
    if (sched_getaffinity(0, size, mask.get()) == 0) return std::max(1, CPU_COUNT_S(size, mask.get()));
  }
  return 1;
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
  const int processors = affinity_count();
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
