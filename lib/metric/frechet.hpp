#pragma once

#include "metric/gaussian_law.hpp"

namespace noiseutils {

/// The Wasserstein-2 distance of Gaussian laws (with network features: FID), and what is known of its error.
struct FrechetDistance {
  double mean = 0;        ///< |mu_1 - mu_2|^2
  double covariance = 0;  ///< tr S_1 + tr S_2 - 2 |F_1 F_2^T|_*, at least 0
  double error = 0;       ///< standard error of the squared distance to first order; NaN unless samples outnumber dim
  double floor = 0;       ///< what two sets of these sizes from one law have on average; NaN as before

  double squared() const { return mean + covariance; }
};

/// W2^2 = |mu_1 - mu_2|^2 + tr S_1 + tr S_2 - 2 tr (S_1^(1/2) S_2 S_1^(1/2))^(1/2),   S = F^T F,
/// whose last trace is the nuclear norm of the r_1 x r_2 matrix F_1 F_2^T: no root of a dim x dim matrix, and ranks may
/// be far below dim.
/// error: with T the optimal map, x -> |x|^2 - 2 phi(x) is the first variation; of Gaussian samples its variance is
///   2 tr ((I - T) S_1)^2 + 4 delta^T S_1 delta.
/// floor, S = S_2:  (1/n_1 + 1/n_2) [ tr S + sum_ij l_i l_j (1 + [i = j]) / (2 (l_i + l_j)) ].
/// Throws DataError if the dimensions differ.
FrechetDistance frechet_distance(const GaussianLaw& first, const GaussianLaw& second);

}  // namespace noiseutils
