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

DescentOnPairs::DescentOnPairs(const Law& law) : eigenvalues_(law.eigenvalues), left_(law.eigenvalues.size(), 1) {
  const Eigen::Map<const Eigen::MatrixXd> v(law.eigenvectors.data(), law.dim, law.dim);
  const Eigen::Map<const Eigen::MatrixXd> best(law.best.data(), law.dim, law.dim);
  const Eigen::Map<const Eigen::MatrixXd> covariance(law.covariance.data(), law.dim, law.dim);
  const Eigen::MatrixXd c = v.transpose() * covariance * v, w = best * v, both = (w.transpose() * w).cwiseProduct(c);
  bias_.assign(both.data(), both.data() + both.size());
  for (std::size_t i = 0; i < left_.size(); ++i) {  // directions that no pair shows have f = 0, and no part in it
    const auto k = static_cast<Eigen::Index>(i);
    const double share = law.tau / static_cast<double>(law.count) * c(k, k);
    variance_.push_back(eigenvalues_[i] > 0 ? share / eigenvalues_[i] : 0);
  }
}

void DescentOnPairs::step(double rate) {
  for (std::size_t i = 0; i < left_.size(); ++i) left_[i] *= 1 - rate * eigenvalues_[i];
}

double DescentOnPairs::excess() const {
  const std::size_t d = left_.size();
  double sum = 0;
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j) sum += left_[i] * left_[j] * bias_[i * d + j];
    sum += (1 - left_[i]) * (1 - left_[i]) * variance_[i];
  }
  return sum / 2;
}

}  // namespace noiseutils
