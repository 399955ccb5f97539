#pragma once

#include "metric/gaussian_law.hpp"

namespace noiseutils {

struct KlDivergence {
  double value = 0;  ///< in nats
  double error = 0;  ///< standard error to first order
  double floor = 0;  ///< what two sets of these sizes from one law have on average, to first order
};

/// KL(p | q) = 1/2 [ tr Q^-1 P + delta^T Q^-1 delta - d - log det P / det Q ] of Gaussian laws with covariances P, Q,
/// each plus `ridge` I, delta the difference of means.
/// floor: (d + d (d + 1) / 2) / 2 (1/n_p + 1/n_q), half the parameters a sample.
/// Throws DataError if the dimensions differ or a covariance is singular.
KlDivergence kl_divergence(const GaussianLaw& p, const GaussianLaw& q, double ridge);

}  // namespace noiseutils
