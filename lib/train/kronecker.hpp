#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace noiseutils {

/// Second moments of p x q matrices X_i about their mean, as far as a Kronecker fit asks for them. Matrices here are
/// column-major and symmetric.
struct MatrixMoments {
  std::int64_t rows = 1, cols = 1;  ///< p, q
  /// mean_i X_i W X_i^T, p x p, for W q x q.
  std::function<std::vector<double>(const std::vector<double>& weight)> over_cols;
  /// mean_i X_i^T W X_i, q x q, for W p x p.
  std::function<std::vector<double>(const std::vector<double>& weight)> over_rows;
};

/// Those of a full covariance, d x d, d = p q, row-major vectors, its upper triangle (column-major).
MatrixMoments moments_of_covariance(std::int64_t rows, std::int64_t cols, const std::vector<double>& covariance);

struct KroneckerFit {
  std::vector<double> rows, cols;       ///< A, p x p, with tr A = p, and B, q x q
  std::vector<double> log_likelihoods;  ///< a vector, after each step of a fit to clean data: they rise
};

/// A (x) B from clean samples (noise_variance 0): maximum likelihood by flip-flop,
///   A <- mean X B^-1 X^T / q,  B <- mean X^T A^-1 X / p;
/// what never varies is left out of the inverses. From noisy ones: of all A (x) B the nearest, in the Frobenius norm,
/// to Cov(y) - v I, by alternating least squares,
///   A <- (mean Y B Y^T - v tr(B) I) / |B|^2,  B <- (mean Y^T A Y - v tr(A) I) / |A|^2,
/// and eigenvalues below 0 put to 0. Ends where a step changes A (x) B by less than 1e-9 of it, after 500 at most.
/// Throws DataError where nothing varies beyond the noise.
/// Source: Dutilleul, "The MLE algorithm for the matrix normal distribution", 1999; Van Loan, Pitsianis 1993.
KroneckerFit kronecker_fit(const MatrixMoments& moments, double noise_variance);

}  // namespace noiseutils
