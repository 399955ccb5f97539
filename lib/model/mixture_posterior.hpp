#pragma once

#include <memory>

#include "model/mixture.hpp"
#include "model/posterior.hpp"

namespace noiseutils {

/// The posterior of a mixture of Gaussians, again one: sum_k w_k(y) N(D_k(y), V_k), V_k the posterior covariance under
/// component k alone. A draw takes k by the first normal (pick_component()), then one of N(D_k, V_k). Along a direction
/// v, with a_k = v^T (D_k - D), s_k = v^T V_k v:
///   m2 = sum w_k (s_k + a_k^2),  m3 = sum w_k (3 a_k s_k + a_k^3),  m4 = sum w_k (3 s_k^2 + 6 a_k^2 s_k + a_k^4)
/// sigma > 0; `model` must outlive it.
std::unique_ptr<Posterior> mixture_posterior(const MixtureModel& model, double sigma);

}  // namespace noiseutils
