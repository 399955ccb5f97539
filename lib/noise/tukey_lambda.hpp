#pragma once

namespace noiseutils {

// The symmetric lambda law of Tukey, Q(u) = (u^lambda - (1 - u)^lambda) / lambda: logistic for lambda = 0, near normal
// at 0.14, heavier tails below.  Source: Joiner, Rosenblatt, JASA 66 (1971).

/// Q(u) for 0 < u < 1.
double tukey_lambda_quantile(double u, double lambda);
/// The u with Q(u) = z; 0 and 1 beyond the ends that the law has for lambda > 0.
double tukey_lambda_cdf(double z, double lambda);
/// 2 / lambda^2 (1 / (1 + 2 lambda) - Gamma(1 + lambda)^2 / Gamma(2 + 2 lambda)) for lambda > -1/2; pi^2 / 3 at 0.
double tukey_lambda_variance(double lambda);

}  // namespace noiseutils
