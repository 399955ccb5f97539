#pragma once

#include "metric/metric.hpp"
#include "metric/sample_noise.hpp"
#include "model/denoiser.hpp"

namespace noiseutils {

/// Options of the risk estimates: the denoiser, the noise, the probes.
std::vector<OptionSpec> risk_options();

/// How the derivatives of a denoiser are probed where they are not known.
struct ProbePlan {
  explicit ProbePlan(const OptionValues& options);

  std::uint64_t seed;
  std::int64_t probes;
  double epsilon;  ///< step, in standard deviations of the noise
  bool gaussian;   ///< normal probes, else signs (Rademacher)
  std::optional<double> sigma;

  /// Probe number `probe` of a sample: independent elements of mean 0 and variance 1.
  std::vector<double> draw(const MetricSample& sample, std::int64_t probe, std::size_t size) const;
  /// The same with third moment 1: (1 + sqrt 5) / 2 or (1 - sqrt 5) / 2 (Mammen's two-point law).
  std::vector<double> draw_skew(const MetricSample& sample, std::int64_t probe, std::size_t size) const;
};

/// The estimated sum of squared errors of a denoiser's estimate f(y), and the variance of (estimate - truth).
struct Risk {
  double sum = 0;
  double variance = 0;  ///< NaN where it is not known: noise other than Gaussian
};

/// Stein's estimate from the noisy sample alone:
///   sum_i [(f_i - y_i)^2 - v_i + 2 v_i df_i/dy_i],  v_i the unbiased estimate of the noise variance at i
/// Exact in the mean for affine f under any noise of mean x whose variance is a quadratic of x, and for any f under
/// Gaussian noise; else to first order in the noise. `second_order` adds, for poisson and poisson-gaussian noise of
/// gain z and read variance s^2, the next term of f_i(y) - f_i(y - z e_i): -sum_i (z^2 y_i + 2 z s^2) d^2 f_i/dy_i^2.
/// Derivatives not known to the denoiser are probed: df_i/dy_i -> b_i (f_i(y + h b) - f_i(y)) / h (Ramani, Blu, Unser,
/// IEEE Trans. Image Processing 17, 2008), second ones c_i (f_i(y + h c) - 2 f_i(y) + f_i(y - h c)) / h^2 with a skew c
/// (Le Montagner, Angelini, Olivo-Marin, IEEE Trans. Image Processing 23, 2014).
/// Variance, Gaussian noise: 4 s^2 |f - y|^2 + 4 s^4 tr(J J) - 2 n s^4 (Bellec, Zhang, Annals of Statistics 49, 2021),
/// and 8 s^4 tr(J J) / probes for those of the divergence, an upper bound.
Risk estimate_risk(const MetricSample& sample, const ProbePlan& plan, bool second_order);

}  // namespace noiseutils
