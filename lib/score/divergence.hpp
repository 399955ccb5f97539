#pragma once

#include <cstdint>

#include "score/jacobian.hpp"

namespace noiseutils {

/// The divergences of a denoiser and of its score at one noisy sample of d elements.
struct Divergence {
  double denoiser = 0;  ///< tr J, J = dD/dy: the degrees of freedom that the estimate keeps
  double score = 0;     ///< (alpha tr J - d) / sigma^2, the Laplacian of log p(y) where D is a posterior mean
  double error = 0;     ///< standard error of `denoiser`; 0 where it is exact
};

/// tr dD/dx of D(.; s), and d less it without the cancellation at small s, in closed form or by all products: the sum
/// of the Wiener gains of a linear model, sum_i Var(x_i | y) / s^2 where the posterior is known, sum_i e_i^T J e_i for
/// regressions.
struct JacobianTrace {
  double trace = 0, remaining = 0;
};
JacobianTrace jacobian_trace(const Model& model, double s, std::span<const double> x);

/// From tr J at a level, for samples of d elements.
Divergence divergence_of_trace(double trace, std::int64_t dim, const NoiseLevel& level);
/// Of a sample that is not finite: NaN.
Divergence unknown_divergence();
/// By jacobian_trace(); unknown where y is not finite. Throws UsageError where J is known by differences alone.
Divergence exact_divergence(const JacobianAt& jacobian);
/// By `probes` >= 2 random signs, tr J = E[v^T J v], with the standard error from their spread; signs of the stream
/// {seed, probe, sample, number of the probe}.
/// Source: Hutchinson, "A stochastic estimator of the trace of the influence matrix", 1989.
Divergence probed_divergence(const JacobianAt& jacobian, std::int64_t probes, std::uint64_t seed, std::int64_t sample);

}  // namespace noiseutils
