#include "sample/reverse_steps.hpp"

#include <algorithm>
#include <cmath>

namespace noiseutils {

ReverseStep ancestral_step(const NoiseLevel& t, const NoiseLevel& s, bool large) {
  const double a = t.relative(), b = s.relative(), kept = b / a * (b / a);
  if (b == 0) return {};
  const double scale = large ? t.alpha / s.alpha : b / a;
  return {kept, 1 - kept, scale * std::sqrt(a * a - b * b)};
}

ReverseStep reverse_diffusion_step(const NoiseLevel& t, const NoiseLevel& s) {
  const double a = t.relative(), b = s.relative(), r = t.alpha / s.alpha;
  if (b == 0) return {};
  // (2 - r) x_t and G^2 score, G^2 / sigma_t^2 = 1 - b^2 / a^2, as multiples of x_t / alpha_t in units of alpha_s
  const double pull = r * (1 - b / a * (b / a));
  return {r * (2 - r) - pull, pull, r * std::sqrt(a * a - b * b)};
}

ReverseStep euler_maruyama_step(const NoiseLevel& t, const NoiseLevel& s) {
  const double a = t.relative(), b = s.relative(), r = t.alpha / s.alpha;
  if (b == 0) return {};
  const double drift = -std::log(r);
  // log(alpha_s^2 / alpha_t^2) / (1 - r^2), which tends to 1 with r
  const double slope = drift > 0 ? 2 * drift / -std::expm1(-2 * drift) : 1;
  const double spread = t.alpha * t.alpha * (a * a - b * b) * slope;
  const double pull = r * spread / (t.sigma * t.sigma);
  return {r * (1 + drift) - pull, pull, std::sqrt(spread) / s.alpha};
}

bool is_variance_exploding(const Schedule& schedule) {
  return std::all_of(schedule.levels.begin(), schedule.levels.end(),
                     [](const NoiseLevel& level) { return level.alpha == 1 || level.sigma == 0; });
}

NoiseSplit noise_split(double a, double b, double eta) {
  if (b == 0) return {0, 0};
  const double kept = b / a * (b / a);
  // (down / b)^2 = 1 - eta^2 (1 - kept), which cancels for eta = 1
  const double down = (1 - eta) * (1 + eta) + eta * eta * kept;
  if (!(down > 0)) return {0, b};
  return {b * std::sqrt(down), eta * b * std::sqrt(1 - kept)};
}

}  // namespace noiseutils
