#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/option.hpp"
#include "linalg/moments.hpp"
#include "linalg/shrinkage.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// How a sample covariance becomes that of a model.
struct CovarianceRequest {
  const Shrinker* shrinker = nullptr;
  std::optional<std::int64_t> rank;  ///< eigenpairs kept, the rest as one variance; none: all
  bool rank_by_sample = false;       ///< as many as stand out (significant_rank)
};

/// --shrink, --rank.
std::vector<OptionSpec> covariance_options();
/// Their values: `spiked` where a rank is given and no shrinker is. UsageError for a rank that is no number >= 1.
CovarianceRequest covariance_request(const OptionValues& given);

/// What is known of noisy samples beside their moments.
struct CovarianceSample {
  Moments moments;               ///< of the noisy samples
  double degrees = 1;            ///< effective number of samples less one
  double noise_variance = 0;     ///< of white noise, to be taken off
  std::optional<double> fourth;  ///< mean |y - mean|^4
};

/// The Gaussian law of clean samples from the moments of noisy ones,
///   Sigma = V diag(max(0, s(lambda) - v)) V^T,
/// lambda, V the eigenpairs of the noisy covariance over the degrees of freedom (over the count where nothing is
/// shrunk), s the shrinker, v the variance of the noise. Shrinkage comes first: it is the noisy vectors that are
/// sampled. Of rank R the R largest are kept, and the mean of the others, s(lambda) - v, is the residual variance: the
/// trace stays. What does not vary at all is no dimension of the sample: it has variance 0 whatever the shrinker.
/// dtype: F32 or F64, of the model; its arithmetic beyond 1024 dimensions, double up to there.
/// Throws DataError where moments are not finite, nothing varies, or the noise leaves nothing.
std::unique_ptr<Model> covariance_model(ModelInfo info, DType dtype, CovarianceSample sample,
                                        const CovarianceRequest& request);

}  // namespace noiseutils
