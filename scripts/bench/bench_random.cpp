// Rates of lib/random on one thread, output in the first-level cache: prints "isa function Msamples/s", processor time.
// Then how many times as fast two threads add normals to 64 MiB, by the clock. Built and run by scripts/bench/random.

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/threads.hpp"
#include "random/kernels.hpp"
#include "random/random.hpp"

namespace {

using namespace noiseutils;

constexpr std::size_t kSamples = 4096;

double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// The best of 15 runs of about 10 ms each.
double rate(const std::function<void(std::uint64_t)>& draw) {
  std::uint64_t first = 0, calls = 1;
  double seconds = 0, best = 0;
  for (int run = 0; run < 15;) {
    const double start = processor_seconds();
    for (std::uint64_t i = 0; i < calls; ++i, first += kSamples) draw(first);
    seconds = processor_seconds() - start;
    if (seconds < 0.005) {
      calls *= 2;
      continue;
    }
    best = std::max(best, static_cast<double>(calls * kSamples) / seconds);
    ++run;
  }
  return best * 1e-6;
}

/// Seconds by the clock to add normals to `y`, cut into fixed pieces: the best of 15.
double seconds_of_all(std::vector<float>& y, int threads) {
  constexpr std::int64_t kPiece = 1 << 16;
  set_thread_count(threads);
  double best = 1e9;
  for (int run = 0; run < 15; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    parallel_blocks(static_cast<std::int64_t>(y.size()) / kPiece, [&](std::int64_t piece) {
      const std::span<float> values(y.data() + piece * kPiece, kPiece);
      add_normal({1, Purpose::noise, 2, 3}, static_cast<std::uint64_t>(piece * kPiece), values, 0.1f, values);
    });
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

}  // namespace

int main() {
  const StreamKey key{1, Purpose::noise, 2, 3};
  std::vector<float> x32(kSamples, 0.5f), y32(kSamples);
  std::vector<double> x64(kSamples, 0.5), y64(kSamples), parameter(kSamples);
  for (const char* isa : {"baseline", "avx2", "avx512"}) {
    const Kernels* kernels = find_kernels(isa);
    if (kernels == nullptr) continue;
    force_kernels(kernels);
    const auto show = [&](const std::string& name, const std::function<void(std::uint64_t)>& draw) {
      std::printf("%-9s %-22s %8.1f\n", isa, name.c_str(), rate(draw));
    };
    show("uniform float", [&](std::uint64_t e) { fill_uniform(key, e, std::span<float>(y32)); });
    show("uniform double", [&](std::uint64_t e) { fill_uniform(key, e, std::span<double>(y64)); });
    show("normal float", [&](std::uint64_t e) { fill_normal(key, e, std::span<float>(y32)); });
    show("normal double", [&](std::uint64_t e) { fill_normal(key, e, std::span<double>(y64)); });
    show("add normal float", [&](std::uint64_t e) { add_normal(key, e, x32, 0.1f, std::span<float>(y32)); });
    show("add normal double", [&](std::uint64_t e) { add_normal(key, e, x64, 0.1, std::span<double>(y64)); });
    for (const double mean : {0.1, 3.0, 9.9, 10.0, 30.0, 1000.0, 1e6}) {
      std::fill(parameter.begin(), parameter.end(), mean);
      char name[32];
      std::snprintf(name, sizeof name, "poisson %g", mean);
      show(name, [&](std::uint64_t e) { fill_poisson(key, e, parameter, y64); });
    }
    for (const double shape : {0.1, 1.0, 4.0, 100.0}) {
      std::fill(parameter.begin(), parameter.end(), shape);
      char name[32];
      std::snprintf(name, sizeof name, "gamma %g", shape);
      show(name, [&](std::uint64_t e) { fill_gamma(key, e, parameter, y64); });
    }
  }
  force_kernels(nullptr);
  std::vector<float> all(std::size_t{1} << 24, 0.5f);
  const double one = seconds_of_all(all, 1);
  std::printf("two-threads add-normal %.2f\n", one / seconds_of_all(all, 2));
}
