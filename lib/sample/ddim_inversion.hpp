#pragma once

#include "sample/sampler.hpp"

namespace noiseutils {

/// --fixed-point
OptionSpec fixed_point_option();

/// The inverse of deterministic DDIM, from x(s_N) to x(s_0): at each step, b = s_{i+1} and a = s_i,
///   x_a = x_b + (a - b) e(x_b; b)
/// with the noise that is expected at the clean end, which is not the one that the step back will expect: the round
/// trip has an error of order 1. With --fixed-point K the implicit equation  y = x_b + (a - b) e(y; a)  is solved
/// instead, by K iterations from there: DDIM's step from y is then x_b to rounding where they contract, at the rate
/// (a - b) a / (lambda + a^2) < 1 along an eigenvector of a Gaussian law. Source: Dhariwal, Nichol 2021, appendix F;
/// Pan et al. 2023, "Effective real image editing with accelerated iterative diffusion inversion", for the implicit
/// one.
template <class T>
void ddim_inversion(const SamplerRun<T>& run, std::span<T> x);

/// Step i of it without iterations: x(s_{i+1}) becomes x(s_i). At s_{i+1} = 0, where no noise is expected, the noise
/// that D at s_i expects in the clean sample stands for it.
template <class T>
void ddim_step_back(const SamplerRun<T>& run, std::int64_t i, std::span<T> x);

}  // namespace noiseutils
