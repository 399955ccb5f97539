#include "train/early_stopping.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace noiseutils {

KernelStop::KernelStop(std::vector<double> eigenvalues, std::int64_t count, double noise)
    : eigenvalues_(std::move(eigenvalues)), count_(static_cast<double>(count)), noise_(noise) {}

bool KernelStop::passed(double total) const {
  if (!(total > 0)) return false;
  double sum = 0;
  for (const double value : eigenvalues_) sum += std::min(std::max(value, 0.0), 1 / total);
  return std::sqrt(sum / count_) > 1 / (2 * std::numbers::e * noise_ * total);
}

double descent_excess(const PairsLaw& law, std::span<const double> filters) {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Matrix> v(law.eigenvectors.data(), law.dim, law.dim);
  const Eigen::Map<const Matrix> best(law.best.data(), law.dim, law.dim);
  const Eigen::Map<const Matrix> covariance(law.covariance.data(), law.dim, law.dim);
  // In the basis V everything but C and W* is diagonal.
  const Matrix c = v.transpose() * covariance * v, w = best * v;
  Eigen::VectorXd left(law.dim);
  for (std::int64_t i = 0; i < law.dim; ++i) left[i] = filters[static_cast<std::size_t>(i)] - 1;
  const Matrix missed = w * left.asDiagonal();
  const double bias = (missed * c).cwiseProduct(missed).sum();
  double variance = 0;  // directions that no pair shows have f = 0, and no part in it
  for (std::int64_t i = 0; i < law.dim; ++i) {
    const double value = law.eigenvalues[static_cast<std::size_t>(i)], f = filters[static_cast<std::size_t>(i)];
    if (value > 0) variance += f * f / value * c(i, i);
  }
  return (bias + law.tau / static_cast<double>(law.count) * variance) / 2;
}

}  // namespace noiseutils
