// The covariance of 10,000 vectors of 3,072 floats on two threads: lib/linalg's moments against OpenBLAS's ssyrk on
// two threads at once, each with a matrix of its own. n d^2 operations each; prints medians of runs in turn.
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "linalg/moments.hpp"
#include "random/random.hpp"
#include "timing.hpp"

namespace {

using namespace noiseutils;

constexpr std::int64_t kDim = 3072, kCount = 10000;
constexpr double kOperations = 1e-9 * kCount * kDim * kDim;

}  // namespace

int main() {
  set_thread_count(2);
  std::vector<float> x(kCount * kDim), first(kDim * kDim), second(kDim * kDim);
  fill_normal({0, Purpose::train, 0, 0}, 0, std::span<float>(x));
  const auto ssyrk = [&](std::vector<float>& c) {
    syrk<float>(Op::plain, kDim, kCount, 1.f, x.data(), kDim, 0.f, c.data(), kDim);
  };
  const char* asked = std::getenv("BENCH_RUNS");
  const int runs = asked != nullptr ? std::atoi(asked) : 5;
  std::vector<double> ours_wall, ours_cpu, theirs_wall, theirs_cpu;
  for (int run = 0; run <= runs; ++run) {
    const Seconds ours = measure([&] {
      MomentAccumulator<float> moments(kDim);
      moments.add(0, x);
      moments.finish();
    });
    const Seconds theirs = measure([&] {
      std::thread other([&] { ssyrk(first); });
      ssyrk(second);
      other.join();
    });
    if (run == 0) continue;  // warms up
    ours_wall.push_back(kOperations / ours.wall);
    ours_cpu.push_back(kOperations / ours.cpu);
    theirs_wall.push_back(2 * kOperations / theirs.wall);
    theirs_cpu.push_back(2 * kOperations / theirs.cpu);
  }
  std::printf("\ncovariance of 10,000 x 3,072 floats on two threads   (%d runs in turn, medians; %s)\n", runs,
              blas_name());
  std::printf("  moments, whole             %7.1f GF/s   %7.1f GF/s a processor second\n", median(ours_wall),
              median(ours_cpu));
  std::printf("  two ssyrk at once          %7.1f GF/s   %7.1f GF/s a processor second\n", median(theirs_wall),
              median(theirs_cpu));
  std::printf("  ratio                      %7.2f        %7.2f\n", median(ours_wall) / median(theirs_wall),
              median(ours_cpu) / median(theirs_cpu));
}
