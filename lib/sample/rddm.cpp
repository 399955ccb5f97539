#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sample/sampler.hpp"
#include "sample/target.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// The chain of T times of the paper's code: alpha_t "decreased", proportional to T - t + 1, with sum 1, and beta_t^2
/// "increased", proportional to t, with sum `scale`. Their sums to time t:
struct ResidualChain {
  double times, scale;
  /// alpha_bar_t
  double residual(double t) const { return t * (2 * times + 1 - t) / (times * (times + 1)); }
  /// beta_bar_t^2
  double variance(double t) const { return scale * t * (t + 1) / (times * (times + 1)); }
};

/// What I_t tells of I_0: (I_t - alpha_bar I_in) / (1 - alpha_bar) = I_0 + beta_bar / (1 - alpha_bar) eps. What I_in
/// tells, where it is I_0 plus white noise: a second measurement of I_0, independent of the first. Two measurements of
/// one mean are one, at their precision-weighted mean; so E[I_0 | I_t, I_in] is a call of D.
template <class T>
void restore(const SamplerRun<T>& run, double residual, double variance, std::span<const T> state,
             std::span<const T> input, std::span<T> i0) {
  const auto noise = run.options.maybe_number("input-noise");
  const double of_state = (1 - residual) * (1 - residual) / variance, of_input = noise ? 1 / (*noise * *noise) : 0;
  const double precision = of_state + of_input;
  if (precision == 0) {
    if (run.target != nullptr && run.target->model() == nullptr)
      throw UsageError(
          "--sampler rddm starts at infinite sigma, which no program can be asked for; give --input-noise");
    return run.denoise(kBeyondAllData, state, i0);
  }
  std::vector<T> y(state.size());
  const double c = (1 - residual) / variance / precision;
  combine<T>(y, {{c, state}, {of_input / precision - c * residual, input}});
  run.denoise(1 / std::sqrt(precision), y, i0);
}

/// Residual denoising diffusion, from the degraded I_in to I_0:
///   I_t = I_0 + alpha_bar_t I_res + beta_bar_t eps,  I_res = I_in - I_0,  t = T ... 0, T the number of steps
///   I_s = I_t - (alpha_bar_t - alpha_bar_s) I_res - (beta_bar_t - sqrt(beta_bar_s^2 - q)) eps + sqrt(q) z,  s = t - 1
///   q = eta (beta_bar_t^2 - beta_bar_s^2) beta_bar_s^2 / beta_bar_t^2
/// with E[I_0 | I_t, I_in] for I_0 and the eps that belongs to it. I_in is 0 but for --init.
/// Source: Liu et al. 2024, equations 7 and 13.
template <class T>
void rddm(const SamplerRun<T>& run, std::span<T> x) {
  const auto steps = run.steps();
  const ResidualChain chain{static_cast<double>(steps), run.options.number("sum-scale")};
  const double eta = run.options.number("eta");
  std::vector<T> input(x.size()), i0(x.size()), eps(x.size()), z(x.size());
  if (run.from_states) std::copy(x.begin(), x.end(), input.begin());
  run.normals(z);
  combine<T>(x, {{1, input}, {std::sqrt(chain.scale), z}});
  for (std::int64_t i = 0; i < steps; ++i) {
    const double t = static_cast<double>(steps - i), s = t - 1;
    const double a_t = chain.residual(t), a_s = chain.residual(s), v_t = chain.variance(t), v_s = chain.variance(s);
    restore<T>(run, a_t, v_t, x, input, i0);
    if (s > 0) {
      const double beta = std::sqrt(v_t), q = eta * (v_t - v_s) * v_s / v_t;
      // eps = (I_t - I_in - (alpha_bar_t - 1) I_res) / beta_bar_t
      combine<T>(eps, {{1 / beta, x}, {-a_t / beta, input}, {(a_t - 1) / beta, i0}});
      if (q > 0) run.normals(z);
      combine<T>(x, {{1, x}, {a_s - a_t, input}, {a_t - a_s, i0}, {std::sqrt(v_s - q) - beta, eps}, {std::sqrt(q), z}});
    } else {
      std::copy(i0.begin(), i0.end(), x.begin());
    }
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler rddm_sampler() {
  Sampler self;
  self.name = "rddm";
  self.summary = "residual denoising diffusion: from a degraded sample and noise to the clean one";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.own_times = true;
  self.source = "Liu et al. 2024, equations 7 and 13";
  self.options = {
      number("eta", "E", "fresh noise on the way: 0 none, 1 as much as the ancestral sampler")
          .otherwise("0")
          .at_least(0)
          .at_most(1),
      number("sum-scale", "B", "variance of the noise at the start; 0.01 is usual for restoration")
          .otherwise("1")
          .above(0),
      number("input-noise", "S", "--init is the clean sample plus white noise of this standard deviation").above(0),
  };
  self.run_float = rddm<float>;
  self.run_double = rddm<double>;
  return self;
}

}  // namespace noiseutils
