#pragma once

#include <functional>
#include <memory>
#include <string>

#include "noise/operator.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {

/// x -> deg(x, t), of one vector after the other: a degradation that grows from none at t = 0 to all of it at t = 1.
class Degradation {
 public:
  virtual ~Degradation() = default;
  virtual void apply(double t, std::span<const double> x, std::span<double> out) const = 0;
};

/// The family that ends in an operator of part `noise --operator`: a Gaussian blur grows as heat flows, deg(x, t) the
/// blur of SIGMA sqrt(t); of all others deg(x, t) = (1 - t) x + t P x, with P = A where samples keep their layout, else
/// A^+ A. UsageError for an operator that has no pseudo-inverse then, or that is drawn for each sample.
std::unique_ptr<Degradation> operator_degradation(const std::string& text, const SampleLayout& sample);

/// R(x; t), an estimate of x_0 from x = deg(x_0, t).
template <class T>
using Restorer = std::function<void(double t, std::span<const T> x, std::span<T> x0)>;

enum class ColdMethod {
  naive,  ///< x_s = deg(R(x_t; t), s): Bansal et al. 2023, algorithm 1
  tacos,  ///< x_s = x_t - deg(R(x_t; t), t) + deg(R(x_t; t), s): their algorithm 2
};

/// Cold diffusion from t = 1 to 0 in equal steps. With deg(x, t) = x + t e tacos is exact for whatever R.
template <class T>
void cold_diffusion(const SamplerRun<T>& run, const Degradation& deg, const Restorer<T>& restorer, ColdMethod method,
                    std::span<T> x);

}  // namespace noiseutils
