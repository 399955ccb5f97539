#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {
namespace {

/// Euler's method down to a smaller s than b, then noise up to b:
///   x <- x + (down - a) (x - D) / a + up z,   up = min(b, eta sqrt(b^2 (a^2 - b^2) / a^2)), down = sqrt(b^2 - up^2)
template <class T>
void euler_ancestral(const SamplerRun<T>& run, std::span<T> x) {
  const double eta = run.options.number("eta");
  take_steps(run, x, [&](std::int64_t i) {
    const double a = run.s(i);
    const NoiseSplit split = noise_split(a, run.s(i + 1), eta);
    return ReverseStep{split.down / a, 1 - split.down / a, split.up};
  });
}

}  // namespace

Sampler euler_ancestral_sampler() {
  Sampler self;
  self.name = "euler-ancestral";
  self.summary = "Euler steps of the flow, with noise after each";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "Song, Meng, Ermon 2020, equation 16, as k-diffusion has it";
  self.options = {
      number("eta", "E", "how much of the noise is drawn afresh; 0: none").otherwise("1").at_least(0).at_most(10)};
  self.run_float = euler_ancestral<float>;
  self.run_double = euler_ancestral<double>;
  return self;
}

}  // namespace noiseutils
