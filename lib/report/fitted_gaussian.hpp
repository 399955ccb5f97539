#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linalg/deterministic_equivalent.hpp"
#include "metric/sample_set.hpp"

namespace noiseutils {

/// Mean and eigenpairs above 0 of the covariance, over n - 1, of n vectors of d elements. Nothing of size d x d is made
/// where n <= d.
struct FittedGaussian {
  std::int64_t count = 0, dim = 0;
  std::vector<double> mean;         ///< d
  std::vector<double> basis;        ///< rank x d, row k the unit eigenvector u_k
  std::vector<double> eigenvalues;  ///< rank of them, falling

  std::int64_t rank() const { return static_cast<std::int64_t>(eigenvalues.size()); }
  double trace() const;
};

/// Of the rows whose numbers are `chosen`, at least 2. DataError where they do not vary.
FittedGaussian fit_gaussian(const SampleRows& rows, std::span<const std::uint64_t> chosen);

/// What all rows, at least 2, tell of the spectrum of their law. DataError where they do not vary.
EquivalentSpectrum spectrum_of_rows(const SampleRows& rows);

/// Noise levels of reports where none are given: .1, .3 and 1 of the root mean variance of a law, in its units.
std::vector<double> default_levels(const EquivalentSpectrum& spectrum);

/// Rows in the basis of a law: U (x_i - mean), n x rank, and |x_i - mean|^2.
struct RowCoordinates {
  std::vector<double> coefficients, squares;
};
RowCoordinates coordinates_in(const FittedGaussian& law, const SampleRows& rows);

}  // namespace noiseutils
