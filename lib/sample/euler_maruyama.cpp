#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {
namespace {

/// Euler-Maruyama for the reverse SDE dx = [f x - g^2 score] dt + g dw.
template <class T>
void euler_maruyama(const SamplerRun<T>& run, std::span<T> x) {
  const auto& levels = run.schedule.levels;
  take_steps(run, x, [&](std::int64_t i) {
    const auto t = static_cast<std::size_t>(i);
    return euler_maruyama_step(levels[t], levels[t + 1]);
  });
}

}  // namespace

Sampler euler_maruyama_sampler() {
  Sampler self;
  self.name = "euler-maruyama";
  self.summary = "Euler-Maruyama for the reverse SDE of VE, VP or sub-VP";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "Song et al. 2021, equation 6 and appendix D";
  self.run_float = euler_maruyama<float>;
  self.run_double = euler_maruyama<double>;
  return self;
}

}  // namespace noiseutils
