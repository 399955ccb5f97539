#include <algorithm>
#include <cmath>

#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {
namespace {

/// DDIM of any eta, in (alpha, sigma) as its paper has it:
///   x_s = alpha_s x0 + sqrt(sigma_s^2 - v) eps + sqrt(v) z,  eps = (x_t - alpha_t x0) / sigma_t
///   v = eta^2 (sigma_s^2 / sigma_t^2) G^2,  G^2 = sigma_t^2 - (alpha_t / alpha_s)^2 sigma_s^2
/// with G^2 = 1 - alpha_t^2 / alpha_s^2 where alpha^2 + sigma^2 = 1.
ReverseStep ddim_step(const NoiseLevel& t, const NoiseLevel& s, double eta) {
  if (s.sigma == 0) return {};
  const double r = t.alpha / s.alpha;
  const double added = t.sigma * t.sigma - r * r * s.sigma * s.sigma;
  const double v = eta * eta * s.sigma * s.sigma / (t.sigma * t.sigma) * added;
  // of x0 there is alpha_s directly, and alpha_t / sigma_t less in eps
  const double eps = std::sqrt(std::max(0.0, s.sigma * s.sigma - v)) / s.alpha;
  return {eps / t.relative(), 1 - eps / t.relative(), std::sqrt(v) / s.alpha};
}

template <class T>
void ddim_eta(const SamplerRun<T>& run, std::span<T> x) {
  const double eta = run.options.number("eta");
  const auto& levels = run.schedule.levels;
  take_steps(run, x, [&](std::int64_t i) {
    const auto t = static_cast<std::size_t>(i);
    return ddim_step(levels[t], levels[t + 1], eta);
  });
}

}  // namespace

Sampler ddim_eta_sampler() {
  Sampler self;
  self.name = "ddim-eta";
  self.summary = "DDIM with noise, from ddim (eta 0) to DDPM (eta 1)";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.source = "Song, Meng, Ermon 2020, equations 12 and 16";
  self.options = {
      number("eta", "E", "how much of the noise is drawn afresh; 0: none").otherwise("1").at_least(0).at_most(1)};
  self.run_float = ddim_eta<float>;
  self.run_double = ddim_eta<double>;
  return self;
}

}  // namespace noiseutils
