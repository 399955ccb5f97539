#pragma once

#include "score/flow_field.hpp"

namespace noiseutils {

struct FlowDensity {
  double log_density = 0;  ///< log p_s(x), natural
  std::int64_t calls = 0;  ///< of the denoiser
};

/// The log-density of x at level `sigma` > 0 by the change of variables along the probability flow up to `sigma_max`:
///   log p_sigma(x) = log p_sigma_max(x(sigma_max)) + integral over u = log s of (d - tr dD/dx) du,
///   dx/du = -s^2 score = x - D(x; s),  x(log sigma) = x
/// by the steps of Dormand and Prince, each of which may change the result by `tolerance` (in nats): an error e of the
/// state changes it by e^T score to first order, one of the integral by itself.
/// Throws UsageError unless 0 < sigma < sigma_max.
/// Source: Song et al., "Score-based generative modeling through stochastic differential equations", 2021, equation 39;
/// the flow in s as in Karras et al. 2022, equation 1.
FlowDensity flow_log_density(const FlowField& field, double sigma, double sigma_max, double tolerance,
                             std::span<const double> x);

}  // namespace noiseutils
