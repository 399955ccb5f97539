#include "noise/tukey_lambda.hpp"

#include <cmath>
#include <numbers>

#include "random/math.hpp"

namespace noiseutils {
namespace {

/// log(1 - u) is taken as an argument: in the upper tail 1 - u is known better than u.
double quantile(double u, double rest, double lambda) {
  if (std::abs(lambda) < 1e-8) return portable::log(u) - portable::log(rest);
  return (portable::pow(u, lambda) - portable::pow(rest, lambda)) / lambda;
}

double variance_formula(double lambda) {
  const double ratio = portable::exp(2 * portable::lgamma(1 + lambda) - portable::lgamma(2 + 2 * lambda));
  return 2 / (lambda * lambda) * (1 / (1 + 2 * lambda) - ratio);
}

}  // namespace

double tukey_lambda_quantile(double u, double lambda) { return quantile(u, 1 - u, lambda); }

double tukey_lambda_cdf(double z, double lambda) {
  if (z == 0) return 0.5;
  // Solved for v = log of the smaller tail, in which the quantile is monotone and nowhere steep.
  const double target = -std::abs(z);
  double low = -700, high = -std::numbers::ln2, v = -1;
  if (quantile(portable::exp(low), 1, lambda) >= target) return z < 0 ? 0 : 1;
  for (int i = 0; i < 200 && high - low > 1e-15 * -low; ++i) {
    const double u = portable::exp(v), rest = 1 - u;
    const double excess = quantile(u, rest, lambda) - target;
    (excess > 0 ? high : low) = v;
    // dQ / dv = u^lambda + u (1 - u)^(lambda - 1)
    const double slope = portable::pow(u, lambda) + u * portable::pow(rest, lambda - 1);
    const double next = v - excess / slope;
    if (next == v) break;
    v = next > low && next < high ? next : 0.5 * (low + high);
  }
  const double tail = portable::exp(v);
  return z < 0 ? tail : 1 - tail;
}

double tukey_lambda_variance(double lambda) {
  constexpr double kStep = 1e-3;  // nearer to 0 the difference cancels
  if (std::abs(lambda) >= kStep) return variance_formula(lambda);
  const double at_zero = std::numbers::pi * std::numbers::pi / 3;
  const double up = variance_formula(kStep) - at_zero, down = variance_formula(-kStep) - at_zero, t = lambda / kStep;
  return at_zero + t * (0.5 * (up - down) + 0.5 * (up + down) * t);
}

}  // namespace noiseutils
