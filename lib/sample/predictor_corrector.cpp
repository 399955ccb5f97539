#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {
namespace {

using Predictor = ReverseStep (*)(const NoiseLevel& t, const NoiseLevel& s);

Predictor predictor_named(const std::string& name, const Schedule& schedule) {
  if (name == "reverse-diffusion") return reverse_diffusion_step;
  if (name == "euler-maruyama") return euler_maruyama_step;
  if (is_variance_exploding(schedule))
    return [](const NoiseLevel& t, const NoiseLevel& s) { return ancestral_step(t, s, false); };
  return [](const NoiseLevel& t, const NoiseLevel& s) { return ancestral_step(t, s, true); };
}

template <class T>
double squared_norm(std::span<const T> v) {
  double sum = 0;
  for (const T value : v) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

/// One step of Langevin at s = a:
///   x <- x + epsilon g + sqrt(2 epsilon) z,   g = (D(x; a) - x) / a^2
///   epsilon = 2 kept (snr |z| / |g|)^2 (langevin),  2 kept (snr a)^2 (annealed)
/// Each vector has the norms of its own, so that it is the same in any batch; the paper has their means over the batch.
/// x0 and z are scratch.
template <class T>
void correct(const SamplerRun<T>& run, double a, double kept, std::span<T> x, std::span<T> x0, std::span<T> z) {
  const double snr = run.options.number("snr"), scale = 2 * kept * snr * snr;
  const bool annealed = run.options.text("corrector") == "annealed";
  run.denoise(a, x, x0);
  run.normals(z);
  combine(x0, {{1 / (a * a), x0}, {-1 / (a * a), x}});
  const auto dim = static_cast<std::size_t>(run.dim);
  parallel_blocks(run.count(x), [&](std::int64_t v) {
    const std::size_t at = static_cast<std::size_t>(v) * dim;
    const std::span<T> own = x.subspan(at, dim), g = x0.subspan(at, dim), noise = z.subspan(at, dim);
    const double slope = annealed ? 1 : squared_norm<T>(g);
    if (!(slope > 0)) return;  // at the top of the density of a point: no length is right
    const double epsilon = scale * (annealed ? a * a : squared_norm<T>(noise) / slope);
    combine(own, {{1, own}, {epsilon, g}, {std::sqrt(2 * epsilon), noise}});
  });
}

/// Predictor-corrector sampling: at each level Langevin steps first, then the predictor's step to the next; the last
/// one adds no noise. kept = (alpha_t / alpha_s)^2 of that step: 1 for VE, 1 - beta for VP.
template <class T>
void predictor_corrector(const SamplerRun<T>& run, std::span<T> x) {
  const Predictor predictor = predictor_named(run.options.text("predictor"), run.schedule);
  const std::int64_t correctors = run.options.integer("correctors");
  std::vector<T> x0(x.size()), z(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const NoiseLevel t = run.schedule.levels[static_cast<std::size_t>(i)];
    const NoiseLevel s = run.schedule.levels[static_cast<std::size_t>(i) + 1];
    const double r = t.alpha / s.alpha;
    for (std::int64_t k = 0; k < correctors; ++k) correct<T>(run, t.relative(), r * r, x, x0, z);
    run.denoise(t.relative(), x, x0);
    ReverseStep step = predictor(t, s);
    if (i + 1 == run.steps()) step.noise = 0;
    take_step<T>(run, step, x, x0, z);
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler predictor_corrector_sampler() {
  Sampler self;
  self.name = "predictor-corrector";
  self.summary = "steps of Langevin at each level, then a predictor's step to the next";
  self.order = 1;
  self.calls_per_step = 2;
  self.stochastic = true;
  self.affine = false;
  self.source = "Song et al. 2021, algorithms 1 to 5, in the order of their code";
  self.options = {
      choice("predictor", {"reverse-diffusion", "ancestral", "euler-maruyama"}, "the sampler whose steps it takes")
          .otherwise("reverse-diffusion"),
      choice("corrector", {"langevin", "annealed"}, "length of its steps: by norms, or by the level alone")
          .otherwise("langevin"),
      integer("correctors", "N", "steps of Langevin at each level").otherwise("1").at_least(0).at_most(1e6),
      number("snr", "R", "length of these steps, as a ratio of signal to noise").otherwise("0.16").above(0).at_most(1),
  };
  self.run_float = predictor_corrector<float>;
  self.run_double = predictor_corrector<double>;
  return self;
}

}  // namespace noiseutils
