#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {
namespace {

/// The ancestral predictors of score-based models. Of variance-exploding schedules
///   x <- x + (a^2 - b^2) score + sqrt(b^2 (a^2 - b^2) / a^2) z
/// and of those whose alpha falls, with beta = 1 - r^2 where alpha^2 + sigma^2 = 1,
///   x <- (x + beta score) / sqrt(1 - beta) + sqrt(beta) z
template <class T>
void song_ancestral(const SamplerRun<T>& run, std::span<T> x) {
  const bool large = !is_variance_exploding(run.schedule);
  const auto& levels = run.schedule.levels;
  take_steps(run, x, [&](std::int64_t i) {
    const auto t = static_cast<std::size_t>(i);
    return ancestral_step(levels[t], levels[t + 1], large);
  });
}

}  // namespace

Sampler song_ancestral_sampler() {
  Sampler self;
  self.name = "ancestral";
  self.summary = "ancestral predictor of score-based models, VE or VP by the schedule";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "Song et al. 2021, equations 4 and 47";
  self.run_float = song_ancestral<float>;
  self.run_double = song_ancestral<double>;
  return self;
}

}  // namespace noiseutils
