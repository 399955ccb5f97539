#pragma once

#include <cstdint>
#include <span>
#include <vector>

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

/// Expected excess E |(W_t - W*) y|^2 / 2 of gradient descent from 0 on n fixed pairs, over new draws of the noise of
/// their targets, x = W* y + e: with S = (1/n) Y^T Y = V diag(l) V^T, C = Cov(y), f_i = 1 - prod_t (1 - h_t l_i),
///   F = V f V^T, G = V (f / l) V^T,  1/2 tr(W* (F - I) C (F - I) W*^T) + tau / (2 n) tr(G C G S).
/// All matrices dim x dim, row-major: eigenvectors V (column k is v_k), covariance C, best W*; tau: E |e|^2.
/// `filters`: f_i.
struct PairsLaw {
  std::int64_t dim = 0, count = 0;
  std::vector<double> eigenvalues, eigenvectors, covariance, best;
  double tau = 0;
};
double descent_excess(const PairsLaw& law, std::span<const double> filters);

}  // namespace noiseutils
