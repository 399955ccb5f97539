#pragma once

#include <cstdint>
#include <vector>

#include "metric/sample_set.hpp"

namespace noiseutils {

/// How differently two Gaussian laws p = N(m, P) and q = N(m', Q) see each coordinate, given all others: the mean
/// square of the difference of their scores,
///   psi_j = 1/2 E_p (d_j log p - d_j log q)^2 + 1/2 E_q (...)^2
///         = 1/2 [D (P + Q) D]_jj + 1/2 [Q^-1 (m - m')]_j^2 + 1/2 [P^-1 (m - m')]_j^2,   D = Q^-1 - P^-1.
/// P and Q: d x d, symmetric; shift: m - m'. DataError if one is singular.
/// Source: Kulinski, Bagchi, Inouye, "Feature shift detection", NeurIPS 2020, whose Monte-Carlo mean this replaces.
std::vector<double> score_shift(const std::vector<double>& p, const std::vector<double>& q,
                                const std::vector<double>& shift);

struct FeatureShift {
  std::vector<double> score;    ///< psi of each coordinate, in 1 / squared units of data
  std::vector<double> z;        ///< (psi - mean) / deviation of sets resampled from both pooled
  std::vector<double> p_value;  ///< of the largest z of a resampled pair being as large: for all coordinates at once
};

/// Scores of the Gaussian fits of two sets, their covariances plus `ridge` I, judged by `resamples` pairs of sets drawn
/// with replacement from both together.
FeatureShift feature_shift(const SampleRows& x, const SampleRows& y, double ridge, std::int64_t resamples,
                           std::uint64_t seed);

}  // namespace noiseutils
