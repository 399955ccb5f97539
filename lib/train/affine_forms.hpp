#pragma once

#include <cstdint>
#include <vector>

namespace noiseutils {

/// What a regression learns from, in double: all matrices are dim x dim, row-major.
struct RegressionMoments {
  std::int64_t dim = 0;
  double noise_variance = 0;         ///< s2, of white noise in y
  std::vector<double> mean;          ///< of y
  std::vector<double> covariance;    ///< S = Cov(y), symmetric
  std::vector<double> target_mean;   ///< of the target, where there is one
  std::vector<double> target_cross;  ///< Cov(target, y): rows belong to the target
};

/// Numbers that some of the losses take.
struct RegressionParameters {
  double ridge = 1e-8;      ///< added to the eigenvalues of S before they are inverted, times their mean
  double alpha = 0.5;       ///< R2R: how much more noise
  double smoothing = 0;     ///< AR-DAE: standard deviation sa of the noise of the score, in units of y
  std::int64_t block = 1;   ///< blind spots of block x block pixels
  bool centre = false;      ///< the blind pixel itself is brought in again
  std::int64_t height = 0;  ///< of the vector as an image of dim / (height width) channels; 0: it is none
  std::int64_t width = 0;
};

/// D(y) = W y + b with b = E target - W E y.
struct AffineForm {
  std::vector<double> weights;  ///< dim x dim, row-major
  std::vector<double> offset;
};

// The minimisers of the losses by which a denoiser is learned, over all affine functions, in closed form (K = S^-1):

/// min E |W y + b - target|^2:  W = Cov(target, y) K. The target is the clean x, or (Noise2Noise) another noisy copy of
/// it, which has the same covariance with y.
AffineForm pair_form(const RegressionMoments& moments, const RegressionParameters& parameters);
/// min of Stein's unbiased estimate of E |W y + b - x|^2, over W with gains >= 0 in the basis of S:
///   W = I - s2 K, eigenvalues floored at 0: the Wiener filter.
AffineForm sure_form(const RegressionMoments& moments, const RegressionParameters& parameters);
/// AR-DAE (Lim et al. 2020): the affine R with min E |sa R(y + sa u) + u|^2, u ~ N(0, I), is the score of y smoothed by
/// sa, R(y) = -(S + sa^2 I)^-1 (y - mean); D = y + s2 R(y), eigenvalues floored at 0.
AffineForm ar_dae_form(const RegressionMoments& moments, const RegressionParameters& parameters);
/// Recorrupted-to-recorrupted (Pang et al. 2021), z ~ N(0, I): min E |W (y + alpha s z) + b - (y - s z / alpha)|^2:
///   W = (S - s2 I) (S + alpha^2 s2 I)^-1, eigenvalues floored at 0: Wiener for noise of variance (1 + alpha^2) s2.
AffineForm r2r_form(const RegressionMoments& moments, const RegressionParameters& parameters);
/// Pixel i from all but the block J of block x block pixels about it (all channels of a pixel are blind together only
/// where block > 1 covers them: J holds pixel i's own channel alone for block 1), Batson & Royer 2019:
///   row i of W = e_i^T (I - K_JJ^-1 K_J,all) outside of J, 0 within,   pred. variance 1 / (K_JJ^-1 ...) = (K_JJ^-1)_ii
/// With `centre` (Laine et al. 2019) the pixel's own noisy value joins in, v = max((K_JJ^-1)_ii - s2, 0):
///   x_i = (s2 m_i + v y_i) / (v + s2),  for block 1 the Wiener filter exactly.
AffineForm blind_spot_form(const RegressionMoments& moments, const RegressionParameters& parameters);

}  // namespace noiseutils
