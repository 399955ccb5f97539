#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/linear_model.hpp"

namespace noiseutils {

/// KL(p1 | p2) in nats of two laws by their denoisers alone: their densities part on the way down from pure noise,
///   KL(p1 | p2) = integral over sigma from 0 of sigma^-3 E |D1(y; sigma) - D2(y; sigma)|^2,  y = x + sigma n, x ~ p1.
/// Of the laws of x + sigma_0 n it is that from sigma_0 on. Source: Song, Durkan, Murray, Ermon, "Maximum likelihood
/// training of score-based diffusion models", NeurIPS 2021, theorem 2; Guo, Shamai, Verdu 2005.
struct DenoiserKl {
  double value = 0;
  double error = 0;       ///< standard error over the samples of p1; 0 where expectations are exact
  double quadrature = 0;  ///< difference from the rule with every other node
  double tails = 0;       ///< the part of the value that lies beyond the ends, by the powers that it falls off with
};

/// Nodes of the trapezoidal rule in u = log sigma', sigma'^2 = sigma^2 - sigma_0^2.
struct LogLevels {
  double least = 0, largest = 0;  ///< ends of sigma', > 0
  std::int64_t steps = 64;        ///< even, at least 2
};

/// Of two Gaussian laws, with the expectations in closed form: with the eigenvectors u_i of Cov1 and v_j of Cov2, their
/// eigenvalues lambda_i and l_j, t = sigma'^2, all variances raised by sigma_0^2,
///   t^-1 E |D1 - D2|^2 = t sum_ij (u_i^T v_j)^2 (lambda_i - l_j)^2 / ((lambda_i + t) (l_j + t)^2)
///                      + t sum_j (v_j^T (mean1 - mean2))^2 / (l_j + t)^2,
/// from D1 - D2 = t (Cov2 + t)^-1 (Cov1 - Cov2) (Cov1 + t)^-1 (y - mean1) + t (Cov2 + t)^-1 (mean1 - mean2): sums of
/// squares, of full precision for near laws, and 0 for equal ones. Time as rank1 rank2 (dim + nodes), memory as
/// (rank1 + rank2) dim doubles.
/// The rule converges geometrically: at steps of 1/4 in u beyond double precision. DataError if the dimensions differ
/// or a covariance is singular at sigma_0 (the divergence is then infinite, or not that of densities).
DenoiserKl gaussian_denoiser_kl(const LinearModel& first, const LinearModel& second, double sigma_0);

/// D(y; sigma) of a batch of vectors.
using BatchDenoiser = std::function<std::vector<double>(std::span<const double> y, double sigma)>;

/// Sums over the samples at an end of the levels.
struct KlEnd {
  double value = 0, next = 0;            ///< the integrand there, and one step inside
  double squares = 0, of_estimates = 0;  ///< |D1 - D2|^2, and |D1|^2 + |D2|^2
};

/// Of any two denoisers, by samples x of p1 (n x dim), each with normals of its own (n x dim) that serve at all levels.
class SampledKl {
 public:
  SampledKl(LogLevels levels, double sigma_0);
  void add(const BatchDenoiser& first, const BatchDenoiser& second, std::int64_t dim, std::span<const double> x,
           std::span<const double> normals);
  std::int64_t count() const { return count_; }
  /// What lies beyond the ends is taken from the power p of sigma' that the mean integrand follows from the last node
  /// but one to the last: the integral in log sigma' is the last value over p. For laws with smooth densities p is 2 at
  /// the lower end and 2 or 4 at the upper. DataError for no samples, and where the integrand does not fall off at an
  /// end and is not negligible there: the integral is infinite, or the end is amid the integrand.
  DenoiserKl finish() const;

 private:
  LogLevels levels_;
  double sigma_0_, step_;
  std::int64_t count_ = 0;
  // Of each sample the rule and the values at both ends: means, and sums of products of deviations.
  Eigen::Vector3d mean_ = Eigen::Vector3d::Zero();
  Eigen::Matrix3d products_ = Eigen::Matrix3d::Zero();
  double coarse_ = 0;
  KlEnd ends_[2];
};

}  // namespace noiseutils
