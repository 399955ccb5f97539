#include "sample/blend.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace noiseutils {

void straight_blend(std::span<const double> l1, std::span<const double> l2, double fraction, std::span<double> out) {
  for (std::size_t e = 0; e < out.size(); ++e) out[e] = (1 - fraction) * l1[e] + fraction * l2[e];
}

void slerp(std::span<const double> l1, std::span<const double> l2, double fraction, std::span<double> out) {
  double square1 = 0, square2 = 0, product = 0;
  for (std::size_t e = 0; e < out.size(); ++e) {
    square1 += l1[e] * l1[e];
    square2 += l2[e] * l2[e];
    product += l1[e] * l2[e];
  }
  const double angle = std::acos(std::clamp(product / std::sqrt(square1 * square2), -1.0, 1.0));
  const double sine = std::sin(angle);
  if (!(sine > 1e-8)) return straight_blend(l1, l2, fraction, out);
  const double a = std::sin((1 - fraction) * angle) / sine, b = std::sin(fraction * angle) / sine;
  for (std::size_t e = 0; e < out.size(); ++e) out[e] = a * l1[e] + b * l2[e];
}

void noise_diffusion(std::span<const double> l1, std::span<const double> l2, std::span<const double> x1,
                     std::span<const double> x2, std::span<const double> n, double fraction, const NoiseBlend& blend,
                     std::span<double> out) {
  constexpr double kBoost = 1.2;  // of mu + nu, by the paper's figure
  const double angle = fraction * std::numbers::pi / 2, rest = std::sqrt(1 - blend.noise * blend.noise);
  const double a = std::cos(angle) * rest, b = std::sin(angle) * rest;
  const double share = std::cos(angle) / (std::cos(angle) + std::sin(angle));  // a / (a + b), also where noise is 1
  const double c1 = (kBoost * share - a) / blend.sigma, c2 = (kBoost * (1 - share) - b) / blend.sigma;
  const auto clipped = [&](double value) { return std::clamp(value, -blend.clip, blend.clip); };
  for (std::size_t e = 0; e < out.size(); ++e)
    out[e] = clipped(a * clipped(l1[e]) + b * clipped(l2[e]) + c1 * x1[e] + c2 * x2[e] + blend.noise * n[e]);
}

}  // namespace noiseutils
