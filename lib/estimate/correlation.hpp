#pragma once

#include <array>
#include <vector>

#include "estimate/block_dct.hpp"
#include "estimate/noise_curve.hpp"

namespace noiseutils {

/// A distance between two pixels.
struct Lag {
  std::int64_t rows = 0, columns = 0;
};

/// The lags of the table: (0,1) (1,0) (1,1) (0,2) (2,0). (1,1) is the mean of both diagonals.
inline constexpr std::size_t kLags = 5;
const std::array<Lag, kLags>& correlation_lags();

/// Correlation of the noise at each of correlation_lags(), with standard errors.
struct Correlation {
  std::array<Estimated, kLags> lags;

  /// p-value of "the noise is white": Student's t with 15 degrees of freedom (16 tiles) for each lag, the least p times
  /// the number of lags (Bonferroni). NaN where no lag is known.
  double whiteness_p() const;
};

/// From the mean squares S_ij of the DCT coefficients of 8x8 blocks with i + j >= 9, which for noise of covariance c
/// are
///   S_ij = sum_d c(d) T_i(d_row) T_j(d_column),  T_i(d) = sum_p phi_i(p) phi_i(p + d),
/// over d and -d: weighted least squares for c, relative errors equal; correlation c(d) / c(0). NaN at all lags where
/// one comes out beyond 1.
Correlation correlation_of(const BlockSpectrum& spectrum);

/// Two-sided p-value of Student's t with an odd number of degrees of freedom.
/// Source: Abramowitz, Stegun, "Handbook of mathematical functions", 26.7.3.
double student_p(double t, int odd_degrees);

}  // namespace noiseutils
