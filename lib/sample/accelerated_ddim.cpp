#include <cmath>

#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// Accelerated deterministic sampler of Li et al. Levels are taken as those of the variance-preserving chain
/// x_t = sqrt(a_t) x_(t-1) + sqrt(1 - a_t) w of the same s: alpha = 1 / sqrt(1 + s^2). With S_t the score at t,
///   Y^- = sqrt(a_(t+1)) (Y_t - (1 - a_(t+1))/2 S_t(Y_t))
///   sqrt(a_t) Y_(t-1) = Y_t + (1 - a_t)/2 S_t(Y_t)
///                       + (1 - a_t)^2 / (4 (1 - a_(t+1))) (S_t(Y_t) - sqrt(a_(t+1)) S_(t+1)(Y^-))
/// and the first step without the last line. In x = Y / alpha, with S = -e / sigma and alpha sigma = s / (1 + s^2):
///   x^- = x + (1 - a_(t+1))/2 (1 + s_t^2)/s_t e_t
///   x <- x - (1 - a_t)/2 (1 + s_t^2)/s_t e_t
///          - (1 - a_t)^2 / (4 (1 - a_(t+1))) (1 + s_t^2) (e_t / s_t - e_(t+1)(x^-) / s_(t+1))
/// The last step, to s = 0, is x <- D(x; s), where the paper stops before.
template <class T>
void accelerated_ddim(const SamplerRun<T>& run, std::span<T> x) {
  // 1 - a between the levels s > next: (s^2 - next^2) / (1 + s^2)
  const auto rate = [](double s, double next) { return (s - next) * (s + next) / (1 + s * s); };
  std::vector<T> y(x.size()), e(x.size()), e_before(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double s = run.s(i), per_score = (1 + s * s) / s, b = rate(s, run.s(i + 1));
    run.epsilon(s, x, e);
    const double plain = -b / 2 * per_score;
    if (i == 0) {
      combine<T>(x, {{1, x}, {plain, e}});
    } else {
      const double before = run.s(i - 1), b_before = rate(before, s);
      combine<T>(y, {{1, x}, {b_before / 2 * per_score, e}});
      run.epsilon(before, y, e_before);
      const double c = b * b / (4 * b_before) * (1 + s * s);
      combine<T>(x, {{1, x}, {plain - c / s, e}, {c / before, e_before}});
    }
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler accelerated_ddim_sampler() {
  Sampler self;
  self.name = "accelerated-ddim";
  self.summary = "deterministic sampler of a chain with error of order 1/T^2";
  self.order = 2;
  self.calls_per_step = 2;
  self.source = "Li, Huang, Efimov, Wei, Chi, Chen 2024, accelerated ODE sampler";
  self.run_float = accelerated_ddim<float>;
  self.run_double = accelerated_ddim<double>;
  return self;
}

}  // namespace noiseutils
