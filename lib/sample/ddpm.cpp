#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {
namespace {

/// Ancestral sampling of DDPM: the mean of x_s given x_t and x_0 = D, and one of two variances, small or large.
template <class T>
void ddpm(const SamplerRun<T>& run, std::span<T> x) {
  const bool large = run.options.text("variance") == "large";
  const auto& levels = run.schedule.levels;
  take_steps(run, x, [&](std::int64_t i) {
    const auto t = static_cast<std::size_t>(i);
    return ancestral_step(levels[t], levels[t + 1], large);
  });
}

}  // namespace

Sampler ddpm_sampler() {
  Sampler self;
  self.name = "ddpm";
  self.summary = "ancestral sampling of DDPM";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "Ho, Jain, Abbeel 2020, algorithm 2";
  self.options = {choice("variance", {"small", "large"},
                         "variance of a step: exact for data that is a point (small), or N(0, I) (large)")
                      .otherwise("small")};
  self.run_float = ddpm<float>;
  self.run_double = ddpm<double>;
  return self;
}

}  // namespace noiseutils
