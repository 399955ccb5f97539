#include "sample/level_posterior.hpp"

#include <algorithm>
#include <cmath>

#include "base/threads.hpp"
#include "model/linear_model.hpp"

namespace noiseutils {
namespace {

constexpr double kNegligible = 1e-12;

}  // namespace

LevelPosterior::LevelPosterior(const Model& model, std::vector<double> levels)
    : model_(model), levels_(std::move(levels)) {
  const LinearModel* linear = model.linear();
  if (linear == nullptr) return;
  const double outside = static_cast<double>(linear->dim() - linear->rank());
  for (const double s : levels_) {
    double log_determinant = 0;
    for (const double lambda : linear->eigenvalues()) {
      precisions_.push_back(1 / (lambda + s * s));
      log_determinant += std::log(lambda + s * s);
    }
    const double rest = linear->residual_variance() + s * s;
    precisions_.push_back(outside > 0 ? 1 / rest : 0);
    log_determinants_.push_back(log_determinant + outside * std::log(rest));
  }
}

std::vector<double> LevelPosterior::linear_log_densities(std::span<const double> x) const {
  const LinearModel& model = *model_.linear();
  const auto d = static_cast<std::size_t>(model.dim()), rank = static_cast<std::size_t>(model.rank());
  const std::size_t n = x.size() / d, count = levels_.size();
  std::vector<double> coefficients(n * rank), result(n * count);
  model.coefficients(x, std::span<double>(coefficients));
  parallel_blocks(static_cast<std::int64_t>(n), [&](std::int64_t vector) {
    const auto v = static_cast<std::size_t>(vector);
    std::vector<double> squares(rank + 1);  // the last: |x - mean|^2 outside the basis
    for (std::size_t e = 0; e < d; ++e) squares[rank] += std::pow(x[v * d + e] - model.mean()[e], 2);
    for (std::size_t k = 0; k < rank; ++k) {
      squares[k] = coefficients[v * rank + k] * coefficients[v * rank + k];
      squares[rank] -= squares[k];
    }
    squares[rank] = std::max(squares[rank], 0.0);
    for (std::size_t l = 0; l < count; ++l) {
      double twice = log_determinants_[l];
      for (std::size_t k = 0; k <= rank; ++k) twice += squares[k] * precisions_[l * (rank + 1) + k];
      result[v * count + l] = -twice / 2;
    }
  });
  return result;
}

template <class T>
std::vector<double> LevelPosterior::log_densities(std::span<const T> x) const {
  const std::vector<double> doubles(x.begin(), x.end());
  if (model_.linear() != nullptr) return linear_log_densities(doubles);
  const std::size_t n = x.size() / static_cast<std::size_t>(model_.dim()), count = levels_.size();
  std::vector<double> result(n * count);
  for (std::size_t l = 0; l < count; ++l) {
    const std::vector<double> own = model_.log_density(levels_[l], std::span<const double>(doubles));
    for (std::size_t v = 0; v < n; ++v) result[v * count + l] = own[v];
  }
  return result;
}

void LevelPosterior::normalise(std::span<double> log_densities) const {
  for (std::size_t first = 0; first < log_densities.size(); first += levels_.size()) {
    const std::span<double> own = log_densities.subspan(first, levels_.size());
    const double highest = *std::max_element(own.begin(), own.end());
    double sum = 0;
    for (double& value : own) {
      value = std::exp(value - highest);
      if (value < kNegligible) value = 0;
      sum += value;
    }
    for (double& value : own) value /= sum;
  }
}

template <class T>
std::vector<double> LevelPosterior::probabilities(std::span<const T> x) const {
  std::vector<double> p = log_densities(x);
  normalise(p);
  return p;
}

template <class T>
std::vector<T> gathered(std::span<const T> x, std::span<const std::int64_t> vectors, std::int64_t dim) {
  std::vector<T> part(vectors.size() * static_cast<std::size_t>(dim));
  for (std::size_t j = 0; j < vectors.size(); ++j)
    std::copy_n(x.begin() + vectors[j] * dim, dim, part.begin() + static_cast<std::int64_t>(j) * dim);
  return part;
}

template <class T>
void scatter(std::span<const T> part, std::span<const std::int64_t> vectors, std::int64_t dim, std::span<T> x) {
  for (std::size_t j = 0; j < vectors.size(); ++j)
    std::copy_n(part.begin() + static_cast<std::int64_t>(j) * dim, dim, x.begin() + vectors[j] * dim);
}

template std::vector<double> LevelPosterior::log_densities(std::span<const float>) const;
template std::vector<double> LevelPosterior::log_densities(std::span<const double>) const;
template std::vector<double> LevelPosterior::probabilities(std::span<const float>) const;
template std::vector<double> LevelPosterior::probabilities(std::span<const double>) const;
template std::vector<float> gathered(std::span<const float>, std::span<const std::int64_t>, std::int64_t);
template std::vector<double> gathered(std::span<const double>, std::span<const std::int64_t>, std::int64_t);
template void scatter(std::span<const float>, std::span<const std::int64_t>, std::int64_t, std::span<float>);
template void scatter(std::span<const double>, std::span<const std::int64_t>, std::int64_t, std::span<double>);

}  // namespace noiseutils
