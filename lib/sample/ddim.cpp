#include "sample/sampler.hpp"

namespace noiseutils {
namespace {

/// Deterministic DDIM (eta = 0), which is Euler's method for the probability-flow ODE dx/ds = (x - D(x; s)) / s:
///   x <- x + (b - a) (x - D(x; a)) / a,  a = s_i, b = s_{i+1}
/// written as  x0 + (b / a) (x - x0),  which is x0 itself, free of rounding, where b = 0.
template <class T>
void ddim(const DenoiserFunction<T>& D, const Schedule& schedule, std::span<T> x) {
  std::vector<T> x0(x.size());
  for (std::int64_t i = 0; i < schedule.steps(); ++i) {
    const double a = schedule.s(i), b = schedule.s(i + 1);
    const T ratio = static_cast<T>(b / a);
    D(a, x, x0);
    for (std::size_t e = 0; e < x.size(); ++e) x[e] = x0[e] + ratio * (x[e] - x0[e]);
  }
}

}  // namespace

Sampler ddim_sampler() {
  Sampler self;
  self.name = "ddim";
  self.summary = "deterministic DDIM, Euler's method for the probability flow";
  self.order = 1;
  self.calls_per_step = 1;
  self.source = "Song, Meng, Ermon 2020, equation 12 with eta 0";
  self.run_float = ddim<float>;
  self.run_double = ddim<double>;
  return self;
}

}  // namespace noiseutils
