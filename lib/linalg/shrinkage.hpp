#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace noiseutils {

/// What a sample says of a covariance: the eigenvalues of S = sum (x_i - mean)(x_i - mean)^T / n, and how far they are
/// to be believed.
struct SampleSpectrum {
  std::vector<double> eigenvalues;     ///< p of them, falling, >= 0
  double degrees = 1;                  ///< n, the degrees of freedom: vectors less one for their mean; >= 1
  std::optional<double> fourth;        ///< mean over vectors of |x_i - mean|^4; lw wants it
  std::optional<std::int64_t> spikes;  ///< directions, 0 to p, that stand out, where that is known; spiked wants it
  double resolution = 1e-13;           ///< share of the largest eigenvalue below which one is rounding
};

/// Better eigenvalues for the same eigenvectors: the bulk of a sample's eigenvalues spreads even where the law's do
/// not. For fixed eigenvectors v_i the eigenvalues v_i^T Sigma v_i are best for denoising at every sigma, and nearest
/// to Sigma in the Frobenius norm: all shrinkers aim at them.
struct Shrinker {
  std::string name;
  std::string summary;
  /// p values >= 0 for p eigenvalues, of which those above 0 number p or, where p > n, n.
  std::vector<double> (*shrink)(const SampleSpectrum& sample);
};

/// All of them; a new one is a file and a line.
const std::vector<Shrinker>& shrinkers();

/// shrinker.shrink, where the sample has full rank, min(p, n). Of lower rank it is taken as one of fewer dimensions:
/// what never varied stays at 0. Throws DataError if `sample` lacks what the shrinker wants.
std::vector<double> shrunk(const Shrinker& shrinker, const SampleSpectrum& sample);

/// How many eigenvalues stand out from a white bulk: count_above_bulk() of marchenko_pastur.hpp.
std::int64_t significant_rank(const SampleSpectrum& sample);

// One function a file; shrinkers() lists them.
Shrinker no_shrinkage();
Shrinker ledoit_wolf_shrinkage();
Shrinker oas_shrinkage();
Shrinker quadratic_inverse_shrinkage();
Shrinker analytical_shrinkage();
Shrinker spiked_shrinkage();

}  // namespace noiseutils
