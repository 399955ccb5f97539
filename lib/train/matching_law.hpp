#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace noiseutils {

/// What is known of the error matrix Delta = W - W* of a denoiser D(y) = W y, in the eigenbasis u_i of the covariance.
struct ErrorMoments {
  std::vector<double> second;  ///< m_i = u_i^T Delta^T Delta u_i, or its expectation
  std::vector<double> mean;    ///< u_i^T Delta u_i, or its expectation
};

/// Denoising score matching of centred data by one matrix for all noise levels,
///   L(W) = 1/2 E w(sigma) |W y - x|^2,  y = x + sigma n,  x of covariance U diag(lambda) U^T,  n ~ N(0, I),  E w = 1:
/// a quadratic of W with curvature c_i = lambda_i + s^2, s^2 = E w sigma^2, and minimum W* = U diag(lambda / c) U^T. At
/// one level the weight is 1 and W* is the Wiener filter; over several, weights shift s^2, and so W*.
/// Everything about the noise of gradients holds for Gaussian x.
class MatchingLaw {
 public:
  /// One noise level: its weight times anything, and its probability.
  struct Level {
    double sigma = 0, probability = 1, weight = 1;
  };
  /// eigenvalues: lambda_i >= 0, dim of them; levels: probabilities of sum 1, weights of any scale (mean 1 here).
  MatchingLaw(std::vector<double> eigenvalues, std::vector<Level> levels);

  std::int64_t dim() const { return static_cast<std::int64_t>(eigenvalues_.size()); }
  bool one_level() const { return levels_.size() == 1; }
  double mean_weight() const { return mean_weight_; }                  ///< of levels as given
  const std::vector<double>& curvature() const { return curvature_; }  ///< c_i
  const std::vector<double>& gains() const { return gains_; }          ///< of W*, lambda_i / c_i
  /// E w c(sigma)_i^2 with its weight squared: what minibatches make of c_i^2.
  const std::vector<double>& squared_curvature() const { return squared_; }
  /// min E w |W y - x|^2 = sum_i lambda_i (1 - gains_i); of one level the mean squared error of the Wiener filter.
  double least_error() const;

  /// L(W) - L(W*) = 1/2 sum c_i m_i.
  double excess(const ErrorMoments& error) const;
  /// |E G|^2 = sum c_i^2 m_i of the gradient G = w (W y - x) y^T.
  double gradient_square(const ErrorMoments& error) const;
  /// The excess of E G^T G over E G^T E G for a single vector, its diagonal in the eigenbasis:
  ///   E w^2 (2 c(s)_i^2 k_i + c(s)_i (sum_j c(s)_j k_j + tau(s))) - c_i^2 m_i,
  /// c(s), tau(s) the variances of y and the least error at the level s, k_i = m_i - 2 a_i mean_i + a_i^2 the error
  /// about the level's own minimum, a_i = lambda_i / c(s)_i - gains_i. From E (y^T K y) y y^T = 2 C K C + C tr(C K).
  /// A minibatch of B has 1 / B of it. Its sum over gradient_square() is the gradient noise scale (McCandlish et al.
  /// 2018, eq. 2.8).
  std::vector<double> gradient_variance(const ErrorMoments& error) const;
  double gradient_trace(const ErrorMoments& error) const;  ///< the sum

 private:
  struct AtLevel {
    double share;  // probability times squared weight
    double variance, least_error;
  };
  std::vector<double> eigenvalues_, curvature_, squared_, gains_;
  std::vector<AtLevel> levels_;
  double mean_weight_ = 1;
};

}  // namespace noiseutils
