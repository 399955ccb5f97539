#pragma once

#include <Eigen/Dense>
#include <vector>

#include "denoise/float_plane.hpp"

namespace noiseutils {

/// Patches of a group, one a row.
using PatchRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// What NL-Bayes takes at a noise level. tau is in units of the noise variance.
struct NlBayesSettings {
  std::int64_t first_patch, second_patch;    ///< pixels a side
  std::int64_t first_count, second_count;    ///< members of a group
  std::int64_t first_radius, second_radius;  ///< of the windows
  double first_beta, second_beta;            ///< how much of the noise is taken away
  double tau;                                ///< patches nearer than that belong to the second step's groups, too
};

/// The settings for noise of `sigma` grey levels, of 255, in a photograph. Source: Lebrun, Buades, Morel,
/// "Implementation of the Non-Local Bayes image denoising algorithm", Image Processing On Line, 2013.
NlBayesSettings nl_bayes_settings(double sigma);

/// First step, for a group of noisy patches under white noise of variance 1, mean m and covariance C over the patches:
///   P <- P - beta C^-1 (P - m)
/// or, if the variance of all its pixels is below 1.05, their mean: it is flat. Left as it is if C is singular.
void nl_bayes_first(PatchRows& noisy, double beta);

/// Second step: P <- m + C (C + beta I)^-1 (P - m) with mean m and covariance C of the patches of a guide.
void nl_bayes_second(const PatchRows& guide, PatchRows& noisy, double beta);

/// Estimates an image, channels of one size under white noise of variance 1, the first of which tells the groups.
/// Both steps follow the source, but for a fixed grid of references in place of leaving out patches already estimated:
/// the result depends on no order. sigma is 50 / contrast(): a photograph has a standard deviation of about 50 levels.
std::vector<FloatPlane> nl_bayes(const std::vector<FloatPlane>& noisy);

/// Smallest image side.
constexpr std::int64_t kNlBayesLeastSide = 16;

}  // namespace noiseutils
