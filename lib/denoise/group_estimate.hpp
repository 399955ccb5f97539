#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "denoise/float_plane.hpp"
#include "denoise/group_kernels.hpp"

namespace noiseutils {

/// The estimates of a group's patches and how much each is worth.
/// Source of the estimators: S. Herbreteau, C. Kervrann, "A unified view of unsupervised non-local methods: NL-Ridge"
/// (SIAM J. Imaging Sci. 2025) and "Linear combinations of patches are unreasonably effective for single-image
/// denoising" (LIChI, IEEE Trans. Image Process. 2024); `right` is the second step of NL-Bayes (Lebrun, Buades, Morel,
/// 2013).

/// How guided_estimate() smooths the noisy patches Z of a group (k x n, a patch a row; n = 36 or 25 pixels) by what a
/// guide X says of them. With both centred by the mean over the patches, mean_Z that of Z, Q = X^T X, noise variance s:
///   left   X' = mean_Z + X (Q + l I)^-1 X^T Z,   l = left_weight n s:  patches are linear combinations of patches
///   right  X' = mean_Z + Z (Q + r I)^-1 Q,       r = k s:  the posterior mean of the Gaussian with covariance Q / k
enum class Smoothing { left, average };  ///< average: of left and right

struct GuidedSettings {
  double noise_variance = 1;
  double left_weight = 1.1;
  Smoothing smoothing = Smoothing::left;
};

/// Matrices of one group, of kGroupLeading columns; kept, so that nothing is allocated for a group. What lies beyond
/// the n columns of x and z must be, and stays, zero.
class GroupWork {
 public:
  static constexpr std::int64_t kPixels = 36;   ///< at most
  static constexpr std::int64_t kPatches = 64;  ///< at most

  explicit GroupWork(std::int64_t pixels = kPixels);
  float* x() { return x_.data(); }  ///< the guide's patches; guided_estimate() centres them
  float* z() { return z_.data(); }  ///< the noisy patches; likewise
  const float* estimate() const { return estimate_.data(); }
  const float* weights() const { return weights_.data(); }  ///< of each patch

  /// The estimate of k patches, and as weight of patch i the inverse of the noise that is left in it,
  ///   1 / clip(q_i, 1/k, 1),  q_i = t_i x_i^T - l |t_i|^2 + 1/k,  t_i = row i of X (Q + l I)^-1,
  /// q_i being the squared norm of row i of left's k x k smoothing matrix X (Q + l I)^-1 X^T + 1 1^T / k.
  void guided_estimate(std::int64_t k, const GuidedSettings& settings);

 private:
  /// (Q + diagonal I)^-1 to inverse_. Returns the diagonal: raised by factors of 4 where single precision has lost it,
  /// as for strong contrasts of which almost no noise is left.
  double invert(double diagonal);

  const GroupKernels& kernels_;
  std::int64_t pixels_, rows_;  ///< rows_: of scatter_ and its like, pixels_ filled up with zeros to a multiple of 4
  std::vector<float> x_, z_, estimate_, scatter_, cross_, inverse_, combination_, other_, mean_, weights_;
};

/// The first estimate, from the noisy patches alone. Y: 16 x n, a patch a row, Y_c centred by the mean over the
/// patches, noise variance 1; alpha = 1/2:
///   Theta = I - (1 + alpha) n (Y_c Y_c^T + alpha n I)^-1 + (1 + 1/alpha) / 16 1 1^T,   X' = Theta Y
/// the least risk of a linear combination of patches, had they still more noise (NL-Ridge, "noisier" risk), with their
/// mean kept. Weight of patch i: 1 / clip(|Theta_i|^2, 1/16, 1).
class PilotWork {
 public:
  static constexpr std::int64_t kPatches = 16;

  explicit PilotWork(std::int64_t pixels);
  /// The noisy patches transposed, n x 16; pilot_estimate() replaces them by their estimates.
  float* patches() { return patches_.data(); }
  const float* weights() const { return weights_.data(); }
  void pilot_estimate();

 private:
  const GroupKernels& kernels_;
  std::int64_t pixels_;
  std::vector<float> patches_, mean_, scatter_, theta_, estimate_, weights_;
};

}  // namespace noiseutils
