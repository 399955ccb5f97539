#pragma once

#include <span>

#include "base/option.hpp"

namespace noiseutils {

/// One latent on the way from l1 to l2, all of unit scale: x(s_0) / s_0. fraction in [0, 1].
///
/// Spherical linear interpolation, sin((1-f) t)/sin t l1 + sin(f t)/sin t l2 with t the angle between l1 and l2; the
/// straight line where they are parallel. Independent normals stay normal of variance 1, where the straight line
/// between them has 1/2 half-way. Source: Shoemake 1985; Song, Meng, Ermon 2020, DDIM, appendix D.5.
void slerp(std::span<const double> l1, std::span<const double> l2, double fraction, std::span<double> out);

/// (1 - f) l1 + f l2
void straight_blend(std::span<const double> l1, std::span<const double> l2, double fraction, std::span<double> out);

/// What NoiseDiffusion is told beside the latents.
struct NoiseBlend {
  double sigma = 1;  ///< s_0: the samples weigh as 1 / s_0 in units of the latents
  double clip = 2;   ///< latents are clipped to +-clip before and after
  double noise = 0;  ///< gamma, standard deviation of fresh noise
};
/// NoiseDiffusion: latents clipped, the samples x1 and x2 themselves mixed in, and fresh normals n,
///   z = a l1 + b l2 + (mu - a) x1 / s_0 + (nu - b) x2 / s_0 + gamma n,  clipped
///   a = cos(90 deg f) sqrt(1 - gamma^2),  b = sin(90 deg f) sqrt(1 - gamma^2),  mu = 1.2 a/(a + b),  nu = 1.2 b/(a +
///   b)
/// Source: Zheng et al. 2024, NoiseDiffusion: correcting noise for image interpolation with diffusion models.
void noise_diffusion(std::span<const double> l1, std::span<const double> l2, std::span<const double> x1,
                     std::span<const double> x2, std::span<const double> n, double fraction, const NoiseBlend& blend,
                     std::span<double> out);

}  // namespace noiseutils
