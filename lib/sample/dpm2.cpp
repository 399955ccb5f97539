#include <cmath>

#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// The midpoint method, with the middle of log s, m = sqrt(a b):
///   x <- x + (b - a) e(x + (m - a) e(x, a), m)
/// The last step, to b = 0, is x <- D(x; a).
template <class T>
void dpm2(const SamplerRun<T>& run, std::span<T> x) {
  std::vector<T> u(x.size()), e(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1), m = std::sqrt(a * b);
    run.epsilon(a, x, e);
    combine<T>(u, {{1, x}, {m - a, e}});
    run.epsilon(m, u, e);
    combine(x, {{1, x}, {b - a, e}});
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler dpm2_sampler() {
  Sampler self;
  self.name = "dpm2";
  self.summary = "midpoint method, with the middle of log sigma";
  self.order = 2;
  self.calls_per_step = 2;
  self.source = "Karras, Aittala, Aila, Laine 2022, algorithm 3 with the middle of DPM-Solver-2";
  self.run_float = dpm2<float>;
  self.run_double = dpm2<double>;
  return self;
}

}  // namespace noiseutils
