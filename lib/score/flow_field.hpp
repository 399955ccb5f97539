#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "model/denoiser.hpp"
#include "model/model.hpp"

namespace noiseutils {

/// What the probability flow of a law dx/ds = -s grad log p_s(x) needs to carry a density along.
struct FlowField {
  std::int64_t dim = 0;
  /// score = grad log p_s(x) of one vector x. Returns d - tr dD/dx, with D = x + s^2 score: s times the divergence of
  /// dx/ds.
  std::function<double(double s, std::span<const double> x, std::span<double> score)> at;
  /// log p_s(x), or what that tends to as s grows.
  std::function<double(double s, std::span<const double> x)> density;
  std::int64_t calls = 1;  ///< of the denoiser at each point
};

/// Random signs, one vector a probe, for Hutchinson's estimate of a trace: tr J = E[v^T J v].
/// Source: Hutchinson, "A stochastic estimator of the trace of the influence matrix", 1989.
std::vector<std::vector<double>> sign_probes(std::int64_t count, std::int64_t dim, std::uint64_t seed,
                                             std::int64_t sample);

/// The flow of a model, which must outlive it. Without probes the trace is exact: the sum of the Wiener gains of a
/// linear model, sum_i Var(x_i | y) / s^2 where the posterior is known, e_i^T J e_i over unit vectors else. The density
/// is the model's own, or N(0, s^2 I) if it has none.
FlowField model_flow(const Model& model, std::vector<std::vector<double>> probes);

/// The flow of whatever law a denoiser of samples with these axes and shape is made for; at least one probe, with
///   v^T J v = v^T (D(x + h v) - D(x - h v)) / (2 h),  h = s / 100:
/// small beside s, on whose scale D bends, and large beside what a program rounds to. The density is N(0, s^2 I).
FlowField denoiser_flow(Denoiser& denoiser, std::string axes, Shape shape, std::vector<std::vector<double>> probes);

}  // namespace noiseutils
