#include "estimate/anscombe.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"

namespace noiseutils {
namespace {

constexpr double kLargestCount = 1000;

void check(const CameraNoise& noise) {
  if (!(std::isfinite(noise.gain) && noise.gain > 0)) throw UsageError("the Anscombe transform needs a gain above 0");
  if (!(std::isfinite(noise.read) && noise.read >= 0)) throw UsageError("the Anscombe transform needs read noise >= 0");
  if (!std::isfinite(noise.offset)) throw UsageError("the Anscombe transform needs a finite offset");
}

/// Integral of 2 sqrt(max(0, n + sigma t + 3/8 + sigma^2)) phi(t) dt. The root has a kink at t0, which no quadrature
/// likes: t = t0 + u^2 makes it smooth. The trapezoid rule is as good as exact for what fades at both ends.
double expected_root(double n, double sigma) {
  const double inside = n + 0.375 + sigma * sigma;
  if (sigma == 0) return 2 * std::sqrt(inside);
  constexpr double kReach = 10;
  constexpr int kSteps = 400;
  const double kink = -inside / sigma;
  const auto density = [](double t) { return std::exp(-t * t / 2) / std::sqrt(2 * std::numbers::pi); };
  double sum = 0;
  if (kink < -kReach) {
    const double step = 2 * kReach / kSteps;
    for (int i = 0; i <= kSteps; ++i) {
      const double t = -kReach + i * step;
      sum += 2 * std::sqrt(inside + sigma * t) * density(t);
    }
    return sum * step;
  }
  // The integrand is u * 2 sqrt(sigma) u * phi: even in u, so that the half line is half of a smooth whole.
  const double step = std::sqrt(kReach - kink) / kSteps;
  for (int i = 1; i <= kSteps; ++i) {
    const double u = i * step;
    sum += 2 * std::sqrt(sigma) * u * density(kink + u * u) * 2 * u;
  }
  return sum * step;
}

}  // namespace

double anscombe(double z, const CameraNoise& noise) {
  check(noise);
  const double counts = (z - noise.offset) / noise.gain, sigma = noise.read / noise.gain;
  return 2 * std::sqrt(std::max(0.0, counts + 0.375 + sigma * sigma));
}

double algebraic_inverse_anscombe(double d, const CameraNoise& noise) {
  check(noise);
  const double root = std::max(0.0, d) / 2, sigma = noise.read / noise.gain;
  return noise.gain * (root * root - 0.375 - sigma * sigma) + noise.offset;
}

double expected_anscombe(double lambda, double sigma) {
  // Terms within 12 standard deviations of the mean; the weights go on from the largest, so that none overflows.
  const double spread = 12 * std::sqrt(lambda + 1) + 12;
  const double middle = std::floor(lambda);
  const double from = std::max(0.0, std::floor(lambda - spread)), to = std::ceil(lambda + spread);
  const double peak = lambda > 0 ? std::exp(middle * std::log(lambda) - lambda - std::lgamma(middle + 1)) : 1;
  double sum = 0, weight = peak;
  for (double n = middle; n <= to; ++n) {
    sum += weight * expected_root(n, sigma);
    weight *= lambda / (n + 1);
  }
  weight = peak;
  for (double n = middle; n > from; --n) {
    weight *= n / lambda;
    sum += weight * expected_root(n - 1, sigma);
  }
  return sum;
}

double closed_form_inverse_anscombe(double d, double sigma) {
  if (d <= 2 * std::sqrt(0.375)) return 0;
  const double root = std::sqrt(1.5);
  const double inverse = d * d / 4 + root / 4 / d - 11.0 / 8 / (d * d) + 5 * root / 8 / (d * d * d) - 0.125;
  return std::max(0.0, inverse - sigma * sigma);
}

ExactInverseAnscombe::ExactInverseAnscombe(const CameraNoise& noise) : noise_(noise) {
  check(noise);
  const double sigma = noise.read / noise.gain;
  // E f is about 2 sqrt(lambda + c): even steps of the root resolve it evenly.
  constexpr int kPoints = 320;
  for (int i = 0; i < kPoints; ++i) {
    const double root = std::sqrt(kLargestCount) * i / (kPoints - 1);
    counts_.push_back(root * root);
    values_.push_back(expected_anscombe(counts_.back(), sigma));
  }
  // Slopes that keep the cubic between two points monotone: Fritsch, Butland, "A method for constructing local monotone
  // piecewise cubic interpolants", 1984.
  const auto secant = [&](std::size_t i) { return (counts_[i + 1] - counts_[i]) / (values_[i + 1] - values_[i]); };
  slopes_.push_back(secant(0));
  for (std::size_t i = 1; i + 1 < counts_.size(); ++i) {
    const double before = values_[i] - values_[i - 1], after = values_[i + 1] - values_[i];
    const double w = 2 * after + before, v = after + 2 * before;
    slopes_.push_back((w + v) / (w / secant(i - 1) + v / secant(i)));
  }
  slopes_.push_back(secant(counts_.size() - 2));
}

double ExactInverseAnscombe::operator()(double d) const {
  if (d <= values_.front()) return noise_.offset;
  const double sigma = noise_.read / noise_.gain;
  if (d >= values_.back()) return noise_.gain * closed_form_inverse_anscombe(d, sigma) + noise_.offset;
  const auto i = static_cast<std::size_t>(std::upper_bound(values_.begin(), values_.end(), d) - values_.begin()) - 1;
  const double h = values_[i + 1] - values_[i], t = (d - values_[i]) / h;
  const double counts = (1 + 2 * t) * (1 - t) * (1 - t) * counts_[i] + t * (1 - t) * (1 - t) * h * slopes_[i] +
                        t * t * (3 - 2 * t) * counts_[i + 1] + t * t * (t - 1) * h * slopes_[i + 1];
  return noise_.gain * counts + noise_.offset;
}

}  // namespace noiseutils
