#pragma once

#include "model/linear_model.hpp"

namespace noiseutils {

/// Samples as p x q matrices: p the first axis, q all others. DataError unless they have two axes or more.
struct MatrixShape {
  std::int64_t rows = 1, cols = 1;  ///< p, q
};
MatrixShape matrix_shape(const std::string& axes, const Shape& shape);

/// Eigenvalues, >= 0, and eigenvectors, n x n, row k the unit vector u_k, of one factor.
struct Factor {
  std::vector<double> eigenvalues, eigenvectors;
};

/// A Gaussian law of p x q matrices X whose covariance is a Kronecker product, A (p x p) of rows times B (q x q) of
/// columns: Cov(X_ab, X_cd) = A_ac B_bd. In the bases U_A, U_B of their eigenvectors it is diagonal, lambda_i mu_j, so
///   D(Y) = M + U_A [lambda mu^T / (lambda mu^T + sigma^2) (.) U_A^T (Y - M) U_B] U_B^T,
/// 4 p q (p + q) flop where a full covariance takes 2 (p q)^2. Eigenvalues are in the order of i, then j.
std::unique_ptr<LinearModel> kronecker_model(ModelInfo info, std::vector<double> mean, Factor rows, Factor cols);

/// The same from the tensors "mean" [d], "row_eigenvectors" [p,p], "row_eigenvalues" [p], "column_eigenvectors" [q,q],
/// "column_eigenvalues" [q].
std::unique_ptr<Model> kronecker_from_tensors(ModelInfo info, const Record& record);

}  // namespace noiseutils
