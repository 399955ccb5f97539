#include <cmath>

#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// Accelerated DDPM: half of the noise before the score, half after it. With 1 - a = G^2, what the forward step adds,
///   Y+ = Y + sqrt((1 - a) / 2) z,   Y <- [Y+ + (1 - a) score(Y+) + sqrt((1 - a) / 2) z'] / sqrt(a)
/// On states x / alpha both noises have the variance (a^2 - b^2) / 2 of s alone, whatever alpha:
///   x+ = x + c z,   x <- (b^2 / a^2) x+ + (1 - b^2 / a^2) D(x+; a) + c z',   c^2 = (a^2 - b^2) / 2
/// so that it is of second order in law on variance-exploding schedules as well. The last step to b = 0 is D(x; a).
template <class T>
void accelerated_ddpm(const SamplerRun<T>& run, std::span<T> x) {
  std::vector<T> x0(x.size()), z(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double a = run.s(i), b = run.s(i + 1), kept = b / a * (b / a);
    const double half = std::sqrt((a * a - b * b) / 2);
    if (b > 0) {
      run.normals(z);
      combine(x, {{1, x}, {half, z}});
    }
    run.denoise(a, x, x0);
    if (b > 0) {
      run.normals(z);
      combine(x, {{1 - kept, x0}, {kept, x}, {half, z}});
    } else {
      combine(x, {{1, x0}});
    }
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler accelerated_ddpm_sampler() {
  Sampler self;
  self.name = "accelerated-ddpm";
  self.summary = "DDPM with half of its noise before the score: order 2 in law, one call a step";
  self.order = 2;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "Li, Huang, Efimov, Wei, Chi, Chen 2024, Accelerating convergence of score-based diffusion models";
  self.run_float = accelerated_ddpm<float>;
  self.run_double = accelerated_ddpm<double>;
  return self;
}

}  // namespace noiseutils
