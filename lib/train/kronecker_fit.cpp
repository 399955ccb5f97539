#include <Eigen/Dense>
#include <cmath>
#include <memory>
#include <numbers>

#include "base/error.hpp"
#include "train/kronecker.hpp"

namespace noiseutils {
namespace {

using Matrix = Eigen::MatrixXd;

constexpr int kMostSteps = 500;
constexpr double kEnough = 1e-9;
constexpr double kNothing = 1e-10;  // of the largest eigenvalue of a factor: below it a direction does not vary

Matrix matrix_of(const std::vector<double>& values, std::int64_t n) {
  return Eigen::Map<const Matrix>(values.data(), n, n);
}

std::vector<double> values_of(const Matrix& matrix) { return {matrix.data(), matrix.data() + matrix.size()}; }

/// The inverse on the directions that vary, their number and the logarithm of their determinant.
struct Inverse {
  Matrix matrix;
  double rank = 0, log_determinant = 0;
};

Inverse inverse_of(const Matrix& factor) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(factor);
  Eigen::VectorXd inverse = solver.eigenvalues();
  Inverse result;
  const double least = kNothing * inverse.maxCoeff();
  for (double& value : inverse) {
    const bool varies = value > least && value > 0;
    result.rank += varies ? 1 : 0;
    result.log_determinant += varies ? std::log(value) : 0;
    value = varies ? 1 / value : 0;
  }
  result.matrix = solver.eigenvectors() * inverse.asDiagonal() * solver.eigenvectors().transpose();
  return result;
}

/// Eigenvalues below 0 become 0.
Matrix positive_part(const Matrix& factor) {
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(factor);
  const Eigen::VectorXd values = solver.eigenvalues().cwiseMax(0);
  return solver.eigenvectors() * values.asDiagonal() * solver.eigenvectors().transpose();
}

/// tr A = p, and B takes the rest. DataError where there is nothing.
void fix_scale(Matrix& rows, Matrix& cols) {
  const double scale = rows.trace() / static_cast<double>(rows.rows());
  if (!(scale > 0) || !(cols.trace() > 0) || !std::isfinite(scale) || !std::isfinite(cols.trace()))
    throw DataError("nothing varies beyond the noise: there is no law to learn");
  rows /= scale;
  cols *= scale;
}

/// One step of both factors, in place. Returns the log-likelihood of a vector after it.
double flip_flop(const MatrixMoments& moments, Matrix& rows, Matrix& cols) {
  const Inverse of_cols = inverse_of(cols);
  rows = matrix_of(moments.over_cols(values_of(of_cols.matrix)), moments.rows) / of_cols.rank;
  const Inverse of_rows = inverse_of(rows);
  cols = matrix_of(moments.over_rows(values_of(of_rows.matrix)), moments.cols) / of_rows.rank;
  // At this B the quadratic form is the number of directions.
  const Inverse after = inverse_of(cols);
  const double directions = of_rows.rank * after.rank;
  return -0.5 * (directions * (std::log(2 * std::numbers::pi) + 1) + after.rank * of_rows.log_determinant +
                 of_rows.rank * after.log_determinant);
}

void least_squares(const MatrixMoments& moments, double variance, Matrix& rows, Matrix& cols) {
  rows = matrix_of(moments.over_cols(values_of(cols)), moments.rows);
  rows.diagonal().array() -= variance * cols.trace();
  rows /= cols.squaredNorm();
  cols = matrix_of(moments.over_rows(values_of(rows)), moments.cols);
  cols.diagonal().array() -= variance * rows.trace();
  cols /= rows.squaredNorm();
}

}  // namespace

MatrixMoments moments_of_covariance(std::int64_t rows, std::int64_t cols, const std::vector<double>& covariance) {
  const auto full = std::make_shared<Matrix>(matrix_of(covariance, rows * cols).selfadjointView<Eigen::Upper>());
  return {rows, cols,
          [=](const std::vector<double>& weight) {
            const Matrix w = matrix_of(weight, cols);
            Matrix result(rows, rows);
            for (std::int64_t a = 0; a < rows; ++a)
              for (std::int64_t b = 0; b < rows; ++b)
                result(a, b) = full->block(a * cols, b * cols, cols, cols).cwiseProduct(w).sum();
            return values_of(0.5 * (result + result.transpose()));
          },
          [=](const std::vector<double>& weight) {
            const Matrix w = matrix_of(weight, rows);
            Matrix result = Matrix::Zero(cols, cols);
            for (std::int64_t a = 0; a < rows; ++a)
              for (std::int64_t b = 0; b < rows; ++b) result += w(a, b) * full->block(a * cols, b * cols, cols, cols);
            return values_of(0.5 * (result + result.transpose()));
          }};
}

KroneckerFit kronecker_fit(const MatrixMoments& moments, double noise_variance) {
  Matrix rows = Matrix::Identity(moments.rows, moments.rows), cols = Matrix::Identity(moments.cols, moments.cols);
  KroneckerFit fit;
  for (int step = 0; step < kMostSteps; ++step) {
    const Matrix rows_before = rows, cols_before = cols;
    if (noise_variance > 0)
      least_squares(moments, noise_variance, rows, cols);
    else
      fit.log_likelihoods.push_back(flip_flop(moments, rows, cols));
    fix_scale(rows, cols);
    if ((rows - rows_before).norm() < kEnough * rows.norm() && (cols - cols_before).norm() < kEnough * cols.norm())
      break;
  }
  rows = positive_part(rows);
  cols = positive_part(cols);
  fix_scale(rows, cols);
  fit.rows = values_of(rows);
  fit.cols = values_of(cols);
  return fit;
}

}  // namespace noiseutils
