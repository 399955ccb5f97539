#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// Gradient estimation: the noise that the denoiser finds is an estimate of the direction to the data with an error
/// that two in a row have in common,
///   e* = gamma e_i + (1 - gamma) e_(i-1)  (e_0 at the first step),   x <- x + (b - a) e*
/// gamma = 3/2 is Adams-Bashforth of two equal steps; any other is of order 1.
template <class T>
void gradient_estimation(const SamplerRun<T>& run, std::span<T> x) {
  const double gamma = run.options.number("gamma");
  linear_multistep(run, x, 2, [gamma](std::int64_t i) {
    return i == 0 ? std::vector<double>{1} : std::vector<double>{gamma, 1 - gamma};
  });
}

}  // namespace

Sampler gradient_estimation_sampler() {
  Sampler self;
  self.name = "gradient-estimation";
  self.summary = "gradient estimation: DDIM that overshoots by the change of direction";
  self.order = 1;
  self.calls_per_step = 1;
  self.minimum_steps = 2;
  self.source = "Permenter, Yuan 2024, algorithm 2";
  self.options = {number("gamma", "G", "weight of the newest direction in gradient estimation")
                      .otherwise("2")
                      .at_least(0)
                      .at_most(10)};
  self.run_float = gradient_estimation<float>;
  self.run_double = gradient_estimation<double>;
  return self;
}

}  // namespace noiseutils
