#pragma once

#include <cmath>
#include <cstdint>

#include "sample/sampler.hpp"

namespace noiseutils {

/// Ancestral step i of DDPM with the smaller variance, a = s_i and b = s_{i+1}:
///   x_b = mu(x_a) + std z,   mu = x0 + (b/a)^2 (x_a - x0),   std = b sqrt(a^2 - b^2) / a
struct SmallVarianceStep {
  template <class T>
  SmallVarianceStep(const SamplerRun<T>& run, std::int64_t i) {
    const double ratio = run.s(i + 1) / run.s(i);
    kept = ratio * ratio;
    std = run.s(i + 1) * std::sqrt(1 - kept);
  }
  double kept, std;
};

/// Steps of a run whose noise is drawn: all but one to s = 0.
template <class T>
std::int64_t noisy_steps(const SamplerRun<T>& run) {
  return run.s(run.steps()) > 0 ? run.steps() : run.steps() - 1;
}

}  // namespace noiseutils
