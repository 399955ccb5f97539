#include <cmath>

#include "sample/chains.hpp"
#include "sample/level_posterior.hpp"
#include "sample/target.hpp"
#include "sample/vector_groups.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// DDIM with a denoiser that is not told the noise level, and finds it in x: with the schedule's levels s_l above 0
/// equally probable before,
///   Dbar(x) = E[x_0 | x] = sum_l p(s_l | x) D(x; s_l),   x <- (1 - b / a) Dbar(x) + (b / a) x,   a = s_i, b = s_(i+1)
/// The steps keep the schedule's own coefficients. Levels that a vector has no part in are not asked for it; the calls
/// of each sample are told, and `estimated_sigma` = E[s | x] at the last step.
/// Source: Sun, Jiang, Zhao, He 2025, "Is noise conditioning necessary for denoising generative models?".
template <class T>
void blind(const SamplerRun<T>& run, std::span<T> x) {
  const Model& model = model_of(run.target, "blind");
  std::vector<double> levels;
  for (std::int64_t i = 0; i <= last_noisy_level(run.schedule); ++i) levels.push_back(run.s(i));
  const LevelPosterior posterior(model, levels);
  const std::int64_t count = run.count(x), d = run.dim;
  std::vector<double> p, calls(static_cast<std::size_t>(count));
  std::vector<T> mean(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    p = posterior.probabilities<T>(x);
    std::fill(mean.begin(), mean.end(), T(0));
    for (std::size_t l = 0; l < levels.size(); ++l) {
      std::vector<std::int64_t> vectors;
      for (std::int64_t v = 0; v < count; ++v)
        if (p[static_cast<std::size_t>(v) * levels.size() + l] > 0) vectors.push_back(v);
      if (vectors.empty()) continue;
      const std::vector<T> part = gathered<T>(x, vectors, d);
      std::vector<T> x0(part.size());
      run.denoise(levels[l], part, x0);
      for (std::size_t j = 0; j < vectors.size(); ++j) {
        const auto v = static_cast<std::size_t>(vectors[j]), size = static_cast<std::size_t>(d);
        const std::span<T> own = std::span<T>(mean).subspan(v * size, size);
        combine(own, {{1, own}, {p[v * levels.size() + l], std::span<const T>(x0).subspan(j * size, size)}});
        calls[v] += 1;
      }
    }
    const double ratio = run.s(i + 1) / run.s(i);
    combine(x, {{1 - ratio, mean}, {ratio, x}});
    run.observe(i + 1, x);
  }
  for (std::int64_t v = 0; v < count; ++v) {
    double sigma = 0;
    for (std::size_t l = 0; l < levels.size(); ++l)
      sigma += p[static_cast<std::size_t>(v) * levels.size() + l] * levels[l];
    run.tell(v, "nfe", calls[static_cast<std::size_t>(v)]);
    run.tell(v, "estimated-sigma", sigma);
  }
}

}  // namespace

Sampler blind_sampler() {
  Sampler self;
  self.name = "blind";
  self.summary = "DDIM with a denoiser that finds the noise level in the state";
  self.order = 0;           // the level that it finds is not that of the schedule, however many steps
  self.calls_per_step = 0;  // of every level that the state may have
  self.affine = false;
  self.source = "Sun, Jiang, Zhao, He 2025";
  self.run_float = blind<float>;
  self.run_double = blind<double>;
  return self;
}

}  // namespace noiseutils
