#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// Heun's second-order method for the probability-flow ODE dx/ds = e(x, s) = (x - D(x; s)) / s:
///   y = x + (b - a) e(x, a),   x <- x + (b - a) (e(x, a) + e(y, b)) / 2,   a = s_i, b = s_{i+1}
/// At b = 0 there is no e: the step is that of Euler, x <- D(x; a).
template <class T>
void heun(const SamplerRun<T>& run, std::span<T> x) {
  std::vector<T> y(x.size()), d(x.size()), d_next(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1);
    run.epsilon(a, x, d);
    combine<T>(y, {{1, x}, {b - a, d}});
    run.epsilon(b, y, d_next);
    combine(x, {{1, x}, {(b - a) / 2, d}, {(b - a) / 2, d_next}});
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler heun_sampler() {
  Sampler self;
  self.name = "heun";
  self.summary = "Heun's method for the probability flow, the deterministic sampler of EDM";
  self.order = 2;
  self.calls_per_step = 2;
  self.source = "Karras, Aittala, Aila, Laine 2022, algorithm 1";
  self.run_float = heun<float>;
  self.run_double = heun<double>;
  return self;
}

}  // namespace noiseutils
