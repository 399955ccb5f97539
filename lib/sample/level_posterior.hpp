#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/model.hpp"

namespace noiseutils {

/// What a noisy vector says of its own noise level: over levels s_1 ... s_L that were equally probable,
///   p(s_l | x) = p_(s_l)(x) / sum_m p_(s_m)(x)
/// Of data that are a single point the level is known to std(s | x) / s = 1 / sqrt(2 d) where the levels lie close and
/// equally spaced in log s: |x|^2 / s^2 has d degrees of freedom.
class LevelPosterior {
 public:
  /// Levels above 0 in any order; the model must outlive it.
  LevelPosterior(const Model& model, std::vector<double> levels);

  const std::vector<double>& levels() const { return levels_; }
  /// log p_s(x) of each vector at each level, n x L, but for a constant that is the same for all. In double, whatever T
  /// is: differences of numbers that grow with the dimension are what counts.
  template <class T>
  std::vector<double> log_densities(std::span<const T> x) const;
  /// Log densities become probabilities of the levels. Those below 1e-12 of the most probable become 0.
  void normalise(std::span<double> log_densities) const;
  template <class T>
  std::vector<double> probabilities(std::span<const T> x) const;

 private:
  std::vector<double> linear_log_densities(std::span<const double> x) const;

  const Model& model_;
  std::vector<double> levels_;
  /// Of a Gaussian law, where all levels share one set of coefficients: 1 / (lambda_k + s_l^2), and outside the basis 1
  /// / (rho + s_l^2), L x (rank + 1); and sum log(lambda_k + s_l^2) + (d - rank) log(rho + s_l^2).
  std::vector<double> precisions_, log_determinants_;
};

/// The vectors of a batch that ask for the same thing, copied beside each other, and back.
template <class T>
std::vector<T> gathered(std::span<const T> x, std::span<const std::int64_t> vectors, std::int64_t dim);
template <class T>
void scatter(std::span<const T> part, std::span<const std::int64_t> vectors, std::int64_t dim, std::span<T> x);

}  // namespace noiseutils
