#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/option.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// A law of one count: Poisson(rate), or binomial with so many trials of probability `rate`.
struct CountDistribution {
  bool poisson = true;
  double rate = 0, trials = 0;

  double mean() const { return poisson ? rate : trials * rate; }
  /// Of the counts of which each is kept with probability r.
  CountDistribution thinned(double r) const { return {poisson, rate * r, trials}; }
  /// One draw from a uniform number u in (0, 1): counts in the order of their distance from the mode have the intervals
  /// of (0, 1) that their probabilities are long, which takes about a standard deviation's worth of steps.
  double draw(double u) const;
};

/// A law of vectors of independent counts given which of some vectors x_i, all equally likely, they come from:
///   poisson    n_0 ~ Poisson(x_i)
///   binomial   n_0 ~ Bin(M, x_i / M)
///   points     n_0 = x_i
/// and the law of n_0 given n_t ~ Bin(n_0, p), what a fraction p leaves.
class CountLaw {
 public:
  enum class Family { poisson, binomial, points };

  /// The x_i are the samples of an empirical model, or the mean of a linear one. UsageError for other kinds; DataError
  /// for values that are no rates, or no counts.
  CountLaw(Family family, double trials, const Model& model);

  /// P(i | n_t), up to a factor; all 0 where no x_i can have left n_t.
  std::vector<double> weights(double p, std::span<const double> counts) const;
  /// The law of n_0 - n_t at element j, given i:
  ///   Poisson((1 - p) x_ij);  Bin(M - n, q (1 - p) / (1 - q p)), q = x_ij / M;  x_ij - n
  CountDistribution missing(std::size_t i, std::size_t j, double p, double count) const;

 private:
  double log_likelihood(std::size_t i, double p, std::span<const double> counts) const;

  Family family_;
  double trials_;
  std::size_t dim_;
  std::vector<double> x_;
};

}  // namespace noiseutils
