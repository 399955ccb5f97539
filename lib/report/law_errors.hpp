#pragma once

#include <vector>

#include "model/linear_model.hpp"
#include "sample/affine_law.hpp"

namespace noiseutils {

/// A Gaussian law N(mu, U diag(lambda) U^T) by what errors of its samplers depend on: its distinct variances, in how
/// many directions each occurs, and |mu|^2 along those.
struct Spectrum {
  std::vector<double> lambda, multiplicity, mean_square;
};
Spectrum spectrum_of(const LinearModel& model);

/// What a sampler of a Gaussian law starts from at s_0.
enum class StartLaw {
  noise,  ///< N(0, s_0^2), as `sample` does
  exact,  ///< N(mu, lambda + s_0^2), the law of the forward process there
};

/// How far a sampler's law is from that of the data at s_N, N(mu, lambda + s_N^2).
struct LawErrors {
  /// The Wasserstein-2 distance, in units of data; the covariances commute:
  ///   W2^2 = sum_k (E x_k - mu_k)^2 + (sqrt(Var x_k) - sqrt(lambda_k + s_N^2))^2     (Bures)
  double w2 = 0;
  double mean = 0;      ///< |E x - mu| / |mu|, 0 where both vanish
  double variance = 0;  ///< sum_k |Var x_k - lambda_k - s_N^2| / sum_k (lambda_k + s_N^2), likewise
  /// (E |x - f|^2 / E |f|^2)^(1/2) to the flow f = mu + sqrt((lambda + s_N^2) / (lambda + s_0^2)) (x(s_0) - mu) of the
  /// same start; NaN with noise on the way, whose paths do not follow the flow.
  double flow = 0;
};

/// `law`: affine_law() along a schedule from s0 to s1, of spectrum.lambda.
LawErrors law_errors(const AffineLaw& law, const Spectrum& spectrum, double s0, double s1, StartLaw start);

}  // namespace noiseutils
