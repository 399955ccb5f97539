#include <cmath>

#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// A step of the probability flow as restoration and degradation, from a = s_i over c = R b, R < 1, to b = s_{i+1}:
///   restore   x_c = x + (a^2 - c^2) grad log p_a(x), a step of gradient ascent on log p(x_c | x_a) = log p_c(x_c) -
///             |x_c - x_a|^2 / (2 (a^2 - c^2)) + const from x_c = x_a
///   degrade   x_b = x_c + sqrt(b^2 - c^2) n,  n = (x_a - x_c) / sqrt(a^2 - c^2), the noise that points to x_a
/// For R = 0 this is DDIM. For any R the drift is (a^2 - c^2) (1 - sqrt((b^2 - c^2) / (a^2 - c^2))) grad log p, which
/// is (a^2 - b^2) / 2 grad log p to first order, as of the flow; with c a fixed number of steps ahead it would not be.
/// Source: Chen, Daras, Dimakis 2023, section 3.
template <class T>
void restoration_degradation(const SamplerRun<T>& run, std::span<T> x) {
  const double ratio = run.options.number("restore-to");
  std::vector<T> x0(x.size()), restored(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double a = run.s(i), b = run.s(i + 1), c = ratio * b;
    run.denoise(a, x, x0);
    // (a^2 - c^2) grad log p_a = (1 - c^2 / a^2) (D - x): whole where c = 0
    const double kept = c * c / (a * a);
    combine<T>(restored, {{1 - kept, x0}, {kept, x}});
    const double noise = b > c ? std::sqrt((b * b - c * c) / (a * a - c * c)) : 0;
    combine(x, {{1 - noise, restored}, {noise, x}});
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler restoration_degradation_sampler() {
  Sampler self;
  self.name = "restoration-degradation";
  self.summary = "the probability flow as a step of restoration and one of degradation";
  self.order = 1;
  self.calls_per_step = 1;
  self.source = "Chen, Daras, Dimakis 2023, section 3";
  self.options = {
      number("restore-to", "R", "restore to R times the next level, 0 to 0.99; 0: to the clean sample, which is DDIM")
          .otherwise("0")
          .at_least(0)
          .at_most(0.99),
  };
  self.run_float = restoration_degradation<float>;
  self.run_double = restoration_degradation<double>;
  return self;
}

}  // namespace noiseutils
