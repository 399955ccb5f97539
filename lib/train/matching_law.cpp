#include "train/matching_law.hpp"

#include <cmath>

#include "base/error.hpp"

namespace noiseutils {

MatchingLaw::MatchingLaw(std::vector<double> eigenvalues, std::vector<Level> levels)
    : eigenvalues_(std::move(eigenvalues)) {
  double mean = 0;
  for (const Level& level : levels) mean += level.probability * level.weight;
  if (!(mean > 0) || !std::isfinite(mean))
    throw UsageError("the weights of the noise levels have no mean above 0: choose another --weight or --sigma-range");
  mean_weight_ = mean;
  double noise = 0;
  for (const Level& level : levels) {
    const double weight = level.weight / mean, variance = level.sigma * level.sigma;
    noise += level.probability * weight * variance;
    double least = 0;
    for (const double lambda : eigenvalues_) least += lambda * variance / (lambda + variance);
    levels_.push_back({level.probability * weight * weight, variance, least});
  }
  for (const double lambda : eigenvalues_) {
    curvature_.push_back(lambda + noise);
    gains_.push_back(lambda / (lambda + noise));
    double squared = 0;
    for (const AtLevel& level : levels_) squared += level.share * (lambda + level.variance) * (lambda + level.variance);
    squared_.push_back(squared);
  }
}

double MatchingLaw::least_error() const {
  double sum = 0;
  for (std::size_t i = 0; i < gains_.size(); ++i) sum += eigenvalues_[i] * (1 - gains_[i]);
  return sum;
}

double MatchingLaw::excess(const ErrorMoments& error) const {
  double sum = 0;
  for (std::size_t i = 0; i < gains_.size(); ++i) sum += curvature_[i] * error.second[i] / 2;
  return sum;
}

double MatchingLaw::gradient_square(const ErrorMoments& error) const {
  double sum = 0;
  for (std::size_t i = 0; i < gains_.size(); ++i) sum += curvature_[i] * curvature_[i] * error.second[i];
  return sum;
}

std::vector<double> MatchingLaw::gradient_variance(const ErrorMoments& error) const {
  const std::size_t d = gains_.size();
  std::vector<double> result(d), own(d);
  for (std::size_t i = 0; i < d; ++i) result[i] = -curvature_[i] * curvature_[i] * error.second[i];
  for (const AtLevel& level : levels_) {
    double total = level.least_error;
    for (std::size_t i = 0; i < d; ++i) {
      const double c = eigenvalues_[i] + level.variance, shift = one_level() ? 0 : eigenvalues_[i] / c - gains_[i];
      own[i] = error.second[i] + shift * (shift - 2 * error.mean[i]);
      total += c * own[i];
    }
    for (std::size_t i = 0; i < d; ++i) {
      const double c = eigenvalues_[i] + level.variance;
      result[i] += level.share * c * (2 * c * own[i] + total);
    }
  }
  return result;
}

double MatchingLaw::gradient_trace(const ErrorMoments& error) const {
  double sum = 0;
  for (const double value : gradient_variance(error)) sum += value;
  return sum;
}

}  // namespace noiseutils
