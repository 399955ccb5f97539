#pragma once

#include <cstdint>
#include <vector>

#include "score/jacobian.hpp"

namespace noiseutils {

/// How singular directions of J, or of a masked J, are looked for.
struct DirectionSearch {
  PowerSearch power;
  std::uint64_t seed = 0;
};

/// The first K right singular vectors of J = dD/dy at one sample, the directions of y to which the estimate responds
/// most, and the shrinkage factors lambda_k: D passes on lambda_k of what it sees along v_k. For a bias-free denoiser,
/// D(y) = J y, of symmetric J the mean squared error at the clean sample x is
///   E |D(x + sigma n) - x|^2 = sum_k [(1 - lambda_k)^2 (v_k^T x)^2 + sigma^2 lambda_k^2]
/// where J does not change with y (as of a linear one), else about that.
/// Source: Kadkhodaie, Guth, Simoncelli, Mallat, "Generalization in diffusion models arises from geometry-adaptive
/// harmonic representations", ICLR 2024 (arXiv 2310.02557).
struct JacobianSpectrum {
  SingularDirections directions;  ///< values: lambda_k
  std::vector<double> residuals;  ///< |J v - lambda v|: 0 for the eigenvectors of a symmetric, semidefinite J
};

/// Of linear models in closed form, of other models of few dimensions by a decomposition of all of J, else by
/// block power iteration from normals of the stream {seed, probe, sample, 2^33 + j}. Throws UsageError if the samples
/// have fewer than K dimensions, or the model does not tell so many directions apart.
JacobianSpectrum jacobian_spectrum(const JacobianAt& jacobian, const DirectionSearch& search, std::int64_t sample);

/// The first `search.power.count` right singular vectors of A = J or a masked J, whichever way suits J. Throws
/// UsageError for a regression of so many dimensions that nothing tells its J^T.
SingularDirections directions_of(const JacobianAt& jacobian, const MatrixProducts& a, const DirectionSearch& search,
                                 std::int64_t sample);

/// UsageError if there are fewer than `count` dimensions.
void require_dimensions(std::int64_t dim, std::int64_t count, const char* what);

}  // namespace noiseutils
