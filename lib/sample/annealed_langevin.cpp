#include <cmath>

#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// Annealed Langevin dynamics: at each level s > 0 of the schedule n steps
///   x <- x + epsilon g + sqrt(2 epsilon) z,   g = (D(x; s) - x) / s^2,   epsilon = E s^2
/// that is x <- (1 - E) x + E D + sqrt(2 E) s z; at s = 0 the denoised state x = D(x; s_L) of the last level before.
/// The paper's step at level i is epsilon sigma_i^2 / sigma_L^2, so that E = epsilon / sigma_L^2.
template <class T>
void annealed_langevin(const SamplerRun<T>& run, std::span<T> x) {
  const double E = run.options.number("step-size");
  const std::int64_t n = run.options.integer("langevin-steps");
  std::vector<T> x0(x.size()), z(x.size());
  for (std::int64_t i = 0; i <= run.steps(); ++i) {
    const double s = run.s(i);
    if (s == 0) {
      run.denoise(run.s(i - 1), x, x0);
      combine(x, {{1, x0}});
    }
    for (std::int64_t k = 0; k < n && s > 0; ++k) {
      run.denoise(s, x, x0);
      run.normals(z);
      combine(x, {{1 - E, x}, {E, x0}, {std::sqrt(2 * E) * s, z}});
    }
    if (i > 0) run.observe(i, x);
  }
}

}  // namespace

Sampler annealed_langevin_sampler() {
  Sampler self;
  self.name = "annealed-langevin";
  self.summary = "Langevin dynamics at each level of the schedule, then one denoising";
  self.order = 1;
  self.calls_per_step = 5;
  self.stochastic = true;
  self.source = "Song, Ermon 2020, Improved techniques for training score-based generative models, algorithm 1";
  self.options = {
      integer("langevin-steps", "N", "steps of Langevin at each level").otherwise("5").at_least(1).at_most(1e6),
      number("step-size", "E", "length of these steps, epsilon / sigma^2").otherwise("0.062").above(0).at_most(1),
  };
  self.run_float = annealed_langevin<float>;
  self.run_double = annealed_langevin<double>;
  return self;
}

}  // namespace noiseutils
