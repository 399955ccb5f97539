#include "denoise/exponential_family.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace noiseutils {
namespace {

constexpr double kReach = 5;  // standard deviations of gamma noise by which a clean value may exceed the noisy one
constexpr double kLeastBase = 0.1;

double guarded(const ExponentialFamily& family, double y) {
  const double rho = family.power;
  if (rho == 0) return y;
  const double least = rho > 1 && rho < 2 ? std::pow(family.phi * rho * (rho - 1), 1 / (2 - rho)) : 0;
  return std::max(least, y);
}

/// The estimate and its derivative by y, along which the marginal's score changes by its derivative; where a guard
/// holds, of what it holds.
struct Estimate {
  double value = 0, slope = 0;
};

Estimate published(const ExponentialFamily& family, double noisy, const Marginal& marginal) {
  const double rho = family.power, phi = family.phi, s = marginal.score, ds = marginal.derivative;
  const double y = guarded(family, noisy);
  if (rho == 0) return {y + phi * s, 1 + phi * ds};
  if (rho == 1) {
    const double factor = std::exp(phi * s);
    return {(y + phi / 2) * factor, factor * (1 + (y + phi / 2) * phi * ds)};
  }
  if (rho == 2) {
    const double k = 1 / phi, plain = k - 1 - y * s, denominator = std::max(plain, k / (1 + kReach / std::sqrt(k)));
    const double change = plain == denominator ? -(s + y * ds) : 0;
    return {k * y / denominator, k / denominator - k * y * change / (denominator * denominator)};
  }
  if (y == 0) return {0, 0};
  const double alpha = phi * std::pow(y, rho - 1) * (rho / (2 * y) + s);
  const double change = phi * std::pow(y, rho - 1) * (rho / 2 * (rho - 2) / (y * y) + (rho - 1) * s / y + ds);
  const double plain = 1 + (1 - rho) * alpha, base = std::max(plain, kLeastBase), root = 1 / (1 - rho);
  const double factor = std::pow(base, root);
  return {y * factor, factor + (plain == base ? y * factor / base * change : 0)};
}

}  // namespace

std::optional<ExponentialFamily> exponential_family(const KnownNoise& noise) {
  if (noise.laws.empty()) return ExponentialFamily{0, noise.sigma * noise.sigma};
  if (noise.laws.size() != 1 || !noise.laws.front()->maps().empty()) return std::nullopt;
  const Noise& law = *noise.laws.front();
  const std::string family = law.family();
  if (family == "gaussian") return ExponentialFamily{0, law.variance().constant};
  if (family == "poisson") return ExponentialFamily{1, law.variance().linear};
  if (family == "gamma") return ExponentialFamily{2, law.variance().quadratic};
  if (family != "tweedie") return std::nullopt;
  const NoiseParameters parameters = law.parameters();
  return ExponentialFamily{parameters.at("power"), parameters.at("dispersion")};
}

double tweedie_estimate(const ExponentialFamily& family, double y, const Marginal& marginal) {
  return published(family, y, marginal).value;
}

double corrected_estimate(const ExponentialFamily& family, double y, const Marginal& marginal) {
  const Estimate estimate = published(family, y, marginal);
  if (family.power == 0 || estimate.value <= 0) return estimate.value;
  return estimate.value +
         family.power / 2 * family.phi * std::pow(estimate.value, family.power - 1) * std::max(0.0, estimate.slope);
}

double robbins_estimate(double zeta, double y, double log_ratio) {
  return (std::max(0.0, y) + zeta) * std::exp(log_ratio);
}

double gamma_mean_estimate(double looks, double y, const std::function<double(double)>& log_ratio) {
  if (y <= 0) return 0;
  constexpr double kStep = 0.05, kEnd = 3.4;
  double sum = 0;
  for (int i = 0; i <= static_cast<int>(2 * kEnd / kStep); ++i) {
    const double t = -kEnd + i * kStep;
    const double u = std::exp(std::numbers::pi / 2 * std::sinh(t)) / looks;
    if (u > 700) break;
    const double exponent = (2 - looks) * u + log_ratio(y * std::exp(u));
    if (exponent > -745) sum += std::exp(exponent) * u * std::numbers::pi / 2 * std::cosh(t);
  }
  return looks * y * sum * kStep;
}

}  // namespace noiseutils
