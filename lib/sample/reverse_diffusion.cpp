#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {
namespace {

/// Reverse diffusion: the forward chain's own discretisation, backwards.
template <class T>
void reverse_diffusion(const SamplerRun<T>& run, std::span<T> x) {
  const auto& levels = run.schedule.levels;
  take_steps(run, x, [&](std::int64_t i) {
    const auto t = static_cast<std::size_t>(i);
    return reverse_diffusion_step(levels[t], levels[t + 1]);
  });
}

}  // namespace

Sampler reverse_diffusion_sampler() {
  Sampler self;
  self.name = "reverse-diffusion";
  self.summary = "the forward chain's discretisation run backwards";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "Song et al. 2021, equation 46";
  self.run_float = reverse_diffusion<float>;
  self.run_double = reverse_diffusion<double>;
  return self;
}

}  // namespace noiseutils
