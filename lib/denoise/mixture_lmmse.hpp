#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "model/mixture.hpp"

namespace noiseutils {

/// The estimate of x of a mixture from y = x + noise, the noise of component k Gaussian of covariance N_k: component by
/// component the linear one, weighted by their probabilities,
///   x = sum_k w_k(y) [ mu_k + C_k A_k^-1 (y - mu_k) ],  A_k = C_k + N_k,
///   w_k(y) ~ pi_k |A_k|^-1/2 exp(-1/2 (y - mu_k)^T A_k^-1 (y - mu_k))
/// the posterior mean if N_k is the same for all. noise(k): N_k, d x d. Throws DataError where some A_k is not positive
/// definite.
std::unique_ptr<VectorMap> mixture_lmmse(std::shared_ptr<const MixtureModel> model,
                                         const std::function<std::vector<double>(std::int64_t)>& noise);

}  // namespace noiseutils
