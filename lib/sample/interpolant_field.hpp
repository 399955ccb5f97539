#pragma once

#include <memory>
#include <span>

#include "model/model.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {

/// The stochastic interpolant x_t = (1 - t) x_0 + t x_1 + gamma(t) z, gamma^2 = a t (1 - t), z ~ N(0, I), between a law
/// of x_0 and a base law of x_1, independent of each other: what its flow and its diffusion need.
/// Source: Albergo, Boffi, Vanden-Eijnden 2023, section 2.
template <class T>
class InterpolantField {
 public:
  virtual ~InterpolantField() = default;
  /// velocity b = E[dx_t/dt | x_t = x] = E[x_1 - x_0 | x] + gamma' E[z | x], and score = grad log p_t(x) = -E[z | x] /
  /// gamma, of a batch, for 0 <= t <= 1.
  virtual void at(double t, std::span<const T> x, std::span<T> velocity, std::span<T> score) = 0;
};

/// gamma^2, and gamma gamma' = a (1 - 2 t) / 2, which is finite where gamma' is not.
struct BridgeNoise {
  double a;
  double variance(double t) const { return a * t * (1 - t); }
  double rate(double t) const { return a * (1 - 2 * t) / 2; }
};

/// With a standard normal base: t x_1 + gamma z is white noise of variance tau = t^2 + gamma^2, so that with
/// x0 = D(x / (1 - t); sqrt(tau) / (1 - t)) and r = x - (1 - t) x0
///   b = -x0 + (t + gamma gamma') r / tau,   score = -r / tau
/// for the denoiser of any law. At t = 0 score is that of the law itself, which needs a density.
template <class T>
std::unique_ptr<InterpolantField<T>> field_to_normal(const SamplerRun<T>& run, BridgeNoise gamma);

/// Between two laws that are Gaussian or mixtures of Gaussians: a pair of components is one Gaussian,
///   M = (1 - t) m_0 + t m_1,  V = (1 - t)^2 S_0 + t^2 S_1 + gamma^2 I,  C = -(1 - t) S_0 + t S_1 + gamma gamma' I
///   b = m_1 - m_0 + C V^-1 (x - M),   score = -V^-1 (x - M)
/// and b and score are the means of the pairs', weighed by their probabilities given x. Dense matrices of dim x dim.
/// Throws UsageError for other kinds of model, for more than 4096 dimensions, and where V is singular.
/// The models must outlive the field.
template <class T>
std::unique_ptr<InterpolantField<T>> field_between(const Model& law, const Model& base, BridgeNoise gamma);

}  // namespace noiseutils
