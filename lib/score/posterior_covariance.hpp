#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "score/spectrum.hpp"

namespace noiseutils {

/// What is known of v_k^T x given y along K directions.
struct CovarianceAlong {
  std::int64_t count = 0;               ///< K
  std::vector<double> matrix;           ///< K x K: v_i^T C v_j, C = Cov(x | y) = (sigma^2 / alpha) J, made symmetric
  double asymmetry = 0;                 ///< |M - M^T|_F / |M|_F before that: 0 if D is a posterior mean
  std::vector<CentralMoments> moments;  ///< of v_k^T x, not scaled to |v| = 1
};

/// Along the K vectors (K x dim), which need not be of norm 1. Throws DataError for a vector that is 0.
/// Of laws the moments are those of the posterior; of other denoisers, with g(t) = v^T D(y + t v), |v| = 1,
///   m2 = s^2 g'(0),  m3 = s^4 g''(0),  m4 = s^6 g'''(0) + 3 m2^2,  s = sigma / alpha and y of the units of x.
/// Source: Manor, Michaeli, "On the posterior distribution in denoising", ICLR 2024, theorem 1 and section 3.2.
CovarianceAlong covariance_along(const JacobianAt& jacobian, std::span<const double> vectors);

}  // namespace noiseutils
