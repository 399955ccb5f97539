#pragma once

#include <cstdint>
#include <vector>

#include "train/gradient_theory.hpp"

namespace noiseutils {

/// When gradient descent on a fixed set of noisy pairs must stop, as it goes on to fit their noise: kernel regression
/// of functions of norm at most 1 in the kernel's space (rows of a Wiener filter are), squared loss. With s the sum of
/// the learning rates so far and R^2(e) = 1/n sum_i min(l_i, e^2), stop before
///   R(1 / sqrt(s)) > 1 / (2 e noise s).
/// Source: Raskutti, Wainwright, Yu 2014, Early stopping and non-parametric regression, eq. (6).
class KernelStop {
 public:
  /// eigenvalues: l_i of the kernel matrix over n, or those of Cov(y), which are the same but for zeros; noise:
  /// standard deviation of the targets given the inputs, per element.
  KernelStop(std::vector<double> eigenvalues, std::int64_t count, double noise);
  /// Whether steps whose rates sum to `total` go too far.
  bool passed(double total) const;

 private:
  std::vector<double> eigenvalues_;
  double count_, noise_;
};

/// Gradient descent from 0 on all of n fixed pairs at once, x = W* y + e: the excess E |(W_t - W*) y|^2 / 2 expected
/// over the noise e of the targets. With S = (1/n) Y^T Y = V diag(l) V^T, C = Cov(y), f_i = 1 - prod_t (1 - h_t l_i),
///   F = V f V^T, G = V (f / l) V^T,  1/2 tr(W* (F - I) C (F - I) W*^T) + tau / (2 n) tr(G C G S).
/// It falls, and then rises to what the pairs' noise makes of it.
class DescentOnPairs : public ExpectedCurve {
 public:
  /// Matrices are dim x dim: eigenvectors of S column-major (column i is v_i), C and W* symmetric; tau: E |e|^2.
  struct Law {
    std::int64_t dim = 0, count = 0;
    std::vector<double> eigenvalues, eigenvectors, covariance, best;
    double tau = 0;
  };
  explicit DescentOnPairs(const Law& law);
  void step(double rate) override;
  double excess() const override;

 private:
  std::vector<double> eigenvalues_, left_;  // prod_t (1 - h_t l_i)
  std::vector<double> bias_;                // dim x dim: (V^T W*^T W* V)_ij (V^T C V)_ij
  std::vector<double> variance_;            // tau / n (V^T C V)_ii / l_i, 0 where l_i is
};

}  // namespace noiseutils
