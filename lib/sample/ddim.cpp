#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// Deterministic DDIM (eta = 0), which is Euler's method for the probability-flow ODE dx/ds = (x - D(x; s)) / s:
///   x <- x + (b - a) (x - D(x; a)) / a,  a = s_i, b = s_{i+1}
/// written as  (1 - b / a) x0 + (b / a) x,  which is x0 itself, free of rounding, where b = 0.
template <class T>
void ddim(const SamplerRun<T>& run, std::span<T> x) {
  std::vector<T> x0(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double ratio = run.s(i + 1) / run.s(i);
    run.denoise(run.s(i), x, x0);
    combine(x, {{1 - ratio, x0}, {ratio, x}});
    run.observe(i + 1, x);
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

/// The same function by its name among solvers of differential equations.
Sampler euler_sampler() {
  Sampler self = ddim_sampler();
  self.name = "euler";
  self.summary = "Euler's method for the probability flow: ddim by another name";
  self.source = "Karras, Aittala, Aila, Laine 2022, equation 4 with Euler steps";
  return self;
}

}  // namespace noiseutils
