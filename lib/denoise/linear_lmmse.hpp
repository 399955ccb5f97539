#pragma once

#include <Eigen/Core>
#include <functional>
#include <memory>
#include <span>

#include "model/linear_model.hpp"

namespace noiseutils {

using DenseMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Sigma, d x d.
DenseMatrix covariance(const LinearModel& model);

/// The linear estimate of least mean squared error of x of a linear model from y, E[y | x] = x, whose noise has the
/// covariance N, averaged over x:
///   x = mu + Sigma (Sigma + N)^-1 (y - mu)
/// noise: N, its diagonal (d values) or all of it (d x d, symmetric, positive semidefinite). Takes memory and time for
/// d^2 and d^3 numbers. Throws DataError where Sigma + N is not positive definite.
/// Source: Kay, "Fundamentals of statistical signal processing", 1993, theorem 12.1.
std::unique_ptr<VectorMap> linear_lmmse(const LinearModel& model, std::span<const double> noise);

/// E Var(y_i | x_i) over the law of the model, of each element: V(x) averaged over x_i ~ N(mu_i, Sigma_ii) by
/// Gauss-Hermite quadrature of three points, exact where V is a quadratic; x below `least` counts as that.
std::vector<double> expected_variances(const LinearModel& model, double least,
                                       const std::function<double(double)>& variance);

}  // namespace noiseutils
