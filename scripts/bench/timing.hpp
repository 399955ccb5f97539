#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace noiseutils {

/// By the clock, and of processors together.
struct Seconds {
  double wall, cpu;
};

/// What `work()` takes.
template <class Work>
Seconds measure(const Work& work) {
  const auto cpu = [] {
    timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  };
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_begin = cpu();
  work();
  const double cpu_end = cpu();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), cpu_end - cpu_begin};
}

/// Of an odd number of values; of an even one the upper of the middle two.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace noiseutils
