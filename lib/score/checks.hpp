#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "score/jacobian.hpp"

namespace noiseutils {

struct CheckSettings {
  std::int64_t probes = 8;  ///< pairs of random directions
  double factor = 2;        ///< of homogeneity
  std::uint64_t seed = 0;
};

/// What one noisy sample tells of whether D is the posterior mean of some law, in the units of x = y / alpha with
/// s = sigma / alpha, t = s^2, J = dD/dx. Of posterior means, and for the true noise, the expectations over y of all
/// `..._lack` are 0.
struct SampleChecks {
  double asymmetry = 0;    ///< mean (u^T J v - v^T J u)^2, the expectation of which is |J - J^T|^2: 0 of any gradient
  double norm = 0;         ///< mean |J u|^2, of |J|^2 (Frobenius)
  double gain = 0;         ///< mean v^T J v / d, of tr J / d
  double least_gain = 0;   ///< the least u^T J u / d or v^T J v / d: not below 0 for a posterior mean
  double homogeneity = 0;  ///< |D(a y) - a D(y)|^2, at the same sigma: 0 of networks without biases
  double multiple = 0;     ///< |a D(y)|^2
  double stein_lack = 0;   ///< ((y - D) . y) / (t d) - 1:             Stein's lemma with g(y) = y
  double sure_lack = 0;    ///< ((y - D) . D) / (t d) - tr J / d:      the same with g = D
  std::optional<double> tweedie_lack;  ///< (x - D) . D / (t d), where x is known: the error is orthogonal to D
  /// (u^T (x - D))^2 / (t d) - u^T J u / d of each direction u, where x is known: Cov(x | y) = t J
  std::vector<double> covariance_lack;
  std::optional<double> score_error;       ///< largest |u^T (D - y) / t - d/dh log p(y + h u)| / |score|, of laws
  std::optional<double> covariance_error;  ///< largest relative difference of t u^T J u and Var(u^T x | y), of laws
};

/// At one sample. Directions u are the same for all samples, v are those of sample number `sample`: random signs.
/// `clean`: x, or nothing. What is not finite makes the figures it touches NaN, and those of a summary.
/// Sources: Miyasawa 1961; Stein 1981; Mohan et al., "Robust and interpretable blind image denoising via bias-free
/// convolutional neural networks", ICLR 2020 (homogeneity); Hutchinson 1989.
SampleChecks check_sample(const JacobianAt& jacobian, std::span<const double> clean, const CheckSettings& settings,
                          std::int64_t sample);

/// A mean and its standard error, by Welford's update.
class RunningMean {
 public:
  void add(double value);
  double value() const { return mean_; }
  double error() const;  ///< NaN for fewer than two values

 private:
  double count_ = 0, mean_ = 0, squares_ = 0;
};

/// All samples together, in the order in which they are added.
class CheckSummary {
 public:
  /// DataError if x is known of some samples and not of others.
  void add(const SampleChecks& sample);

  std::int64_t samples() const { return samples_; }
  double asymmetry() const;    ///< |J - J^T| / |J|, of root mean squares
  double homogeneity() const;  ///< |D(a y) - a D(y)| / |a D(y)|, likewise
  double gain() const { return gain_.value(); }
  double least_gain() const { return least_gain_; }  ///< of all
  const RunningMean& stein() const { return stein_; }
  const RunningMean& sure() const { return sure_; }
  const std::optional<RunningMean>& tweedie() const { return tweedie_; }        ///< where x is known
  const std::optional<RunningMean>& covariance() const { return covariance_; }  ///< of the mean over directions
  /// The largest |mean| / standard error of a direction's covariance lack: about 3 by chance. NaN for fewer than two
  /// samples.
  double covariance_worst() const;
  const std::optional<double>& score_error() const { return score_error_; }  ///< the largest, of laws
  const std::optional<double>& covariance_error() const { return covariance_error_; }

 private:
  std::int64_t samples_ = 0;
  double asymmetry_ = 0, norm_ = 0, homogeneity_ = 0, multiple_ = 0;  // sums
  double least_gain_ = 0;
  RunningMean gain_, stein_, sure_;
  std::optional<RunningMean> tweedie_, covariance_;
  std::vector<RunningMean> directions_;
  std::optional<double> score_error_, covariance_error_;
};

}  // namespace noiseutils
