#include <cmath>

#include "sample/guidance.hpp"
#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// Predictor-corrector guidance: a step of DDIM for the class alone, then K steps of Langevin for the guided law of
/// weight W (--guidance) at the new level:
///   x <- D_c + (b / a) (x - D_c),   D_c = D(x; a | c)
///   K times  x <- x + e/2 g + sqrt(e) z,   g = (D_W(x; b) - x) / b^2,   e = b^2 (a^2 - b^2) / a^2
/// In the limit of many steps K = 1 is DDPM with the guidance (W + 1) / 2, since s_c + s_W = 2 s_((W + 1) / 2), and
/// K -> infinity samples p^(1-W) p_c^W at each level. The paper has e = beta dt, which is a^2 - b^2 here; the variance
/// of DDPM's step has the same limit, and is a stable step however coarse the schedule (e < b^2). Source: Bradley,
/// Nakkiran 2024, Classifier-free guidance is a predictor-corrector, algorithm 1.
template <class T>
void pc_guidance(const SamplerRun<T>& run, std::span<T> x) {
  const std::int64_t correctors = run.options.integer("correctors");
  GuidedTarget* const guided = run.target == nullptr ? nullptr : run.target->guided();
  std::vector<T> x0(x.size()), z(x.size());
  std::int64_t calls = 0;
  for (std::int64_t i = 0; i < run.steps(); ++i, ++calls) {
    const double a = run.s(i), b = run.s(i + 1);
    if (guided != nullptr)
      guided->conditional().denoise(a, x, std::span<T>(x0));
    else
      run.denoise(a, x, x0);
    combine(x, {{1 - b / a, x0}, {b / a, x}});
    const double part = 1 - b / a * (b / a);  // e / b^2
    for (std::int64_t k = 0; k < correctors && b > 0; ++k, ++calls) {
      run.denoise(b, x, x0);
      run.normals(z);
      combine(x, {{1 - part / 2, x}, {part / 2, x0}, {b * std::sqrt(part), z}});
    }
    run.observe(i + 1, x);
  }
  for (std::int64_t v = 0; v < run.count(x); ++v) run.tell(v, "nfe", static_cast<double>(calls));
}

}  // namespace

Sampler pc_guidance_sampler() {
  Sampler self;
  self.name = "pc-guidance";
  self.summary = "DDIM steps for a class, each corrected by Langevin steps for its guided law";
  self.order = 1;
  self.calls_per_step = 2;
  self.stochastic = true;
  self.affine = false;  // it asks two denoisers
  self.needs_class = true;
  self.source = "Bradley, Nakkiran 2024, Classifier-free guidance is a predictor-corrector, algorithm 1";
  self.options = {
      integer("correctors", "N", "steps of Langevin at each level").otherwise("1").at_least(0).at_most(1e6)};
  self.run_float = pc_guidance<float>;
  self.run_double = pc_guidance<double>;
  return self;
}

}  // namespace noiseutils
