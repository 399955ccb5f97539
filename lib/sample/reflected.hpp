#pragma once

#include "sample/reflected_law.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {

/// Euler-Maruyama steps of the reverse of the reflected diffusion, a = s_i, b = s_{i+1}:
///   x <- reflected(x + (a^2 - b^2) score(x; a) + sqrt(a^2 - b^2) z),   without z in the last step, where b = 0.
/// It starts from reflected(x): of a normal x of deviation s_0 uniform on the cube but for 2 exp(-pi^2 s_0^2 / 2).
/// Source: Lou, Ermon 2023, "Reflected diffusion models", algorithm of section 4.
template <class T>
void reflected_diffusion(const SamplerRun<T>& run, const ReflectedLaw& law, std::span<T> x);

}  // namespace noiseutils
