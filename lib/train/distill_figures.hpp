#pragma once

#include <cstdint>
#include <vector>

#include "linalg/moments.hpp"
#include "train/affine_forms.hpp"

namespace noiseutils {

/// The moments of (y, D(y)) side by side, 2 dim values, y = x + sigma n; and those of x.
struct DistilledMoments {
  std::int64_t dim = 0;
  double sigma = 0;
  Moments joint;  ///< both triangles of the covariance filled
  Moments clean;  ///< likewise
};

/// How near a denoiser D is to the affine function fitted to it, and that to the Gaussian model of the data. With n
/// vectors, V(u) = E |u - E u|^2, r = D - W y - b, t = sigma^2, and the Wiener filter of the data's own mean and
/// covariance  D_G(y) = mu + Sigma (Sigma + t I)^-1 (y - mu) = W_G y + b_G:
struct DistillFigures {
  double residual = 0;            ///< (n - 1) / (n - dim - 1) E |r|^2 / V(D): free of what the fit itself explains
  double asymmetry = 0;           ///< |W - W^T| / |W|, Frobenius
  double gap = 0;                 ///< root of E |W y + b - D_G(y)|^2 / dim, y ~ the Gaussian law of the data plus noise
  double gap_floor = 0;           ///< what the scatter of a fit to n vectors makes of a gap of 0, root mean square
  double gaussian_explained = 0;  ///< 1 - E |D - D_G|^2 / V(D)
  double score_explained = 0;     ///< 1 - E |D - D_G|^2 / V(D - y): the same of the scores (D - y) / t
  double score_rmse = 0;          ///< root of E |D - D_G|^2 / dim, over t
};

/// min E |W y + b - D(y)|^2 with the ridge of RegressionParameters: the affine function that is nearest to D under the
/// law of y. DataError unless there are more vectors than dim + 1: with fewer every D is affine on them.
/// For D(y) = E[x | y] it is the Wiener filter, whatever the law of x, as E D y^T = E x y^T.
AffineForm distilled_form(const DistilledMoments& moments, double ridge);

/// The gap by the closed form
///   E |D_1 - D_2|^2 = tr[(W_1 - W_2)(Sigma + t I)(W_1 - W_2)^T] + |(W_1 - W_2) mu + b_1 - b_2|^2,
/// its floor by the variance of least squares, E |r|^2 (dim + 1) / (n - dim - 1).
/// Source: Li, Dai, Qu, "Understanding generalizability of diffusion models requires rethinking the hidden Gaussian
/// structure", 2024; explained variances as Wang, Vastola, 2024, use them.
DistillFigures distill_figures(const DistilledMoments& moments, const AffineForm& form);

}  // namespace noiseutils
