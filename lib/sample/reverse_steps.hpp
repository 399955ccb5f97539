#pragma once

#include <span>
#include <vector>

#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {

/// One step of a sampler that asks the denoiser once and draws at most once, on states x / alpha:
///   x <- state x + estimate D(x; a) + noise z
/// As it stands it is the last step to b = 0, which returns D itself, free of rounding.
struct ReverseStep {
  double state = 0, estimate = 1, noise = 0;
};

// The symbols of what follows: a step from level t, of s = a, to level s, of s = b < a.
//   r = alpha_t / alpha_s                     what the forward process keeps of x_s in x_t
//   G^2 = sigma_t^2 - r^2 sigma_s^2           the variance that it adds: x_t = r x_s + G n
//       = alpha_t^2 (a^2 - b^2)               for a variance-preserving chain r = sqrt(1 - beta), G^2 = beta
//   score = (alpha_t x0 - x_t) / sigma_t^2,   x0 = D(x_t / alpha_t; a)
// All return the last step where b = 0.

/// Ancestral sampling: the mean of x_s given x_t and x_0 = x0, which is also (x_t + G^2 score) / r, and the variance of
/// x_s given x_t and x_0, or G^2, those of DDPM for a single point and for N(0, I):
///   x0 + (b^2 / a^2) (x - x0) + noise z,   noise^2 = b^2 (a^2 - b^2) / a^2  (small) or  r^2 (a^2 - b^2)  (large)
/// Source: Ho, Jain, Abbeel 2020, section 3.2, with beta of VDM (Kingma et al. 2021) for chains of any alpha.
ReverseStep ancestral_step(const NoiseLevel& t, const NoiseLevel& s, bool large);

/// The one of the smaller variance, from level i of a run to the next.
template <class T>
ReverseStep ancestral_step(const SamplerRun<T>& run, std::int64_t i) {
  const auto& levels = run.schedule.levels;
  return ancestral_step(levels[static_cast<std::size_t>(i)], levels[static_cast<std::size_t>(i) + 1], false);
}

/// Steps of a run whose noise is drawn: all but one to s = 0.
template <class T>
std::int64_t noisy_steps(const SamplerRun<T>& run) {
  return run.s(run.steps()) > 0 ? run.steps() : run.steps() - 1;
}

/// Reverse diffusion: the forward chain's own discretisation run backwards,
///   x_s = (2 - r) x_t + G^2 score + G z
/// Source: Song et al. 2021, equation 46, with G of VE and VP, appendix E.
ReverseStep reverse_diffusion_step(const NoiseLevel& t, const NoiseLevel& s);

/// Euler-Maruyama for dx = [f x - g^2 score] dt + g dw, backwards in time, with the integrals of f and g^2 over the
/// step:
///   x_s = x_t + L x_t + H score + sqrt(H) z,  L = log(alpha_s / alpha_t) = -int f dt,
///   H = int g^2 dt = int alpha^2 d(s^2) = (a^2 - b^2) alpha_t^2 alpha_s^2 log(alpha_s^2 / alpha_t^2)
///                                         / (alpha_s^2 - alpha_t^2)
/// which is exact where 1 / alpha^2 is linear in s^2: a^2 - b^2 for VE, int beta dt for VP, where L is half of it; and
/// of second order in the step for others, such as sub-VP.
/// Source: Song et al. 2021, equation 6 and appendix D.
ReverseStep euler_maruyama_step(const NoiseLevel& t, const NoiseLevel& s);

/// Whether alpha is 1 at every level above s = 0, as of variance-exploding schedules.
bool is_variance_exploding(const Schedule& schedule);

/// The noise that DDIM draws in a step from a to b, and what it leaves of the deterministic part:
///   up = min(b, eta sqrt(b^2 (a^2 - b^2) / a^2)),  down = sqrt(b^2 - up^2)
/// Source: Song, Meng, Ermon 2020, equation 16, in units of the data.
struct NoiseSplit {
  double down, up;
};
NoiseSplit noise_split(double a, double b, double eta);

/// Applies a step at state x: x0 = D(x; s(i)) is overwritten, z is scratch.
template <class T>
void take_step(const SamplerRun<T>& run, const ReverseStep& step, std::span<T> x, std::span<const T> x0,
               std::span<T> z) {
  if (step.noise == 0) return combine(x, {{step.estimate, x0}, {step.state, x}});
  run.normals(z);
  combine(x, {{step.estimate, x0}, {step.state, x}, {step.noise, z}});
}

/// All steps of a sampler that is a rule for ReverseSteps: rule(i) is that from level i to i + 1.
template <class T, class Rule>
void take_steps(const SamplerRun<T>& run, std::span<T> x, Rule rule) {
  std::vector<T> x0(x.size()), z(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    run.denoise(run.s(i), x, x0);
    take_step<T>(run, rule(i), x, x0, z);
    run.observe(i + 1, x);
  }
}

}  // namespace noiseutils
