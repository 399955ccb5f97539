#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/threads.hpp"
#include "linalg/shrinkage.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = 64;  // eigenvalues, each a sum over all others, that one thread takes

/// The eigenvalues above 0 of a sample of full rank, min(p, n) of them, and p / n.
struct Positive {
  std::vector<double> values;
  double ratio = 0;
  std::size_t null = 0;  // p - n where p > n
};

Positive positive_part(const SampleSpectrum& sample) {
  const std::size_t p = sample.eigenvalues.size();
  const auto end = std::find(sample.eigenvalues.begin(), sample.eigenvalues.end(), 0.0);
  std::vector<double> values(sample.eigenvalues.begin(), end);
  const std::size_t null = p - values.size();
  return {std::move(values), static_cast<double>(p) / sample.degrees, null};
}

/// result_i = value(i) for all i, over the threads.
template <class Function>
std::vector<double> for_all(std::size_t n, Function&& value) {
  std::vector<double> result(n);
  const auto count = static_cast<std::int64_t>(n);
  parallel_blocks((count + kBlock - 1) / kBlock, [&](std::int64_t block) {
    for (std::int64_t i = block * kBlock; i < std::min(count, (block + 1) * kBlock); ++i)
      result[static_cast<std::size_t>(i)] = value(static_cast<std::size_t>(i));
  });
  return result;
}

/// Quadratic inverse shrinkage: with c = p/n, l = 1/lambda, h = min(c^2, c^-2)^.35 p^-.35,
///   theta_i = mean_j l_j (l_j - l_i) / ((l_j - l_i)^2 + h^2 l_j^2),  H_i = mean_j h l_j^2 / (...),
///   p <= n: 1 / delta_i = l_i [(1-c)^2 + 2 c (1-c) theta_i + c^2 (theta_i^2 + H_i^2)],
///   p > n:  1 / delta_i = l_i (theta_i^2 + H_i^2), and 1 / delta = (c - 1) mean l for the p - n null ones,
/// scaled to keep the trace.
/// Source: Ledoit, Wolf, "Quadratic shrinkage for large covariance matrices", Bernoulli 2022.
std::vector<double> quadratic_inverse(const SampleSpectrum& sample) {
  const Positive sampled = positive_part(sample);
  const double c = sampled.ratio, p = static_cast<double>(sample.eigenvalues.size());
  const double h = std::pow(std::min(c * c, 1 / (c * c)), 0.35) * std::pow(p, -0.35);
  const auto n = static_cast<double>(sampled.values.size());
  std::vector<double> inverse;
  for (const double value : sampled.values) inverse.push_back(1 / value);
  std::vector<double> values = for_all(inverse.size(), [&](std::size_t i) {
    double theta = 0, height = 0;
    for (const double l : inverse) {
      // Over l_j^2, so that no square of an inverse overflows.
      const double away = 1 - inverse[i] / l, weight = 1 / (away * away + h * h);
      theta += away * weight;
      height += h * weight;
    }
    theta /= n;
    height /= n;
    const double square = theta * theta + height * height;
    if (sampled.null > 0) return 1 / (inverse[i] * square);
    return 1 / (inverse[i] * ((1 - c) * (1 - c) + 2 * c * (1 - c) * theta + c * c * square));
  });
  if (sampled.null > 0)
    values.resize(sample.eigenvalues.size(), n / ((c - 1) * std::accumulate(inverse.begin(), inverse.end(), 0.0)));
  const double scale = std::accumulate(sample.eigenvalues.begin(), sample.eigenvalues.end(), 0.0) /
                       std::accumulate(values.begin(), values.end(), 0.0);
  for (double& value : values) value *= scale;
  return values;
}

/// The Hilbert transform of Epanechnikov's kernel of variance 1, 3/(4 sqrt 5) (1 - x^2/5) for |x| < sqrt 5.
double kernel_transform(double x) {
  constexpr double kPi = std::numbers::pi;
  if (std::abs(x) > 30) {  // the closed form is a difference of terms like x; by moments 3 5^k / ((2k+1)(2k+3)) instead
    const double t = 1 / (x * x);
    return -(1 + t * (1 + t * (15.0 / 7 + t * (125.0 / 21 + t * 625.0 / 33)))) / (kPi * x);
  }
  const double root_5 = std::sqrt(5.0), inside = 1 - x * x / 5;
  const double logarithm = inside == 0 ? 0 : inside * std::log(std::abs((root_5 - x) / (root_5 + x)));
  return -3 * x / (10 * kPi) + 3 / (4 * root_5 * kPi) * logarithm;
}

/// Analytical nonlinear shrinkage: the density f of the eigenvalues by Epanechnikov kernels of width h lambda_j,
/// h = n^(-1/3), and its Hilbert transform H,
///   p < n:  lambda / [(pi c lambda f)^2 + (1 - c - pi c lambda H)^2],
///   p >= n: 1 / [pi^2 lambda (f^2 + H^2)], and 1 / (pi (p - n)/n H_0) for the null ones, H_0 that at 0.
/// Source: Ledoit, Wolf, "Analytical nonlinear shrinkage of large-dimensional covariance matrices", 2020.
std::vector<double> analytical(const SampleSpectrum& sample) {
  constexpr double kPi = std::numbers::pi;
  const double root_5 = std::sqrt(5.0), edge = 3 / (4 * root_5);
  const Positive sampled = positive_part(sample);
  const double c = sampled.ratio, h = std::cbrt(1 / sample.degrees);
  const auto n = static_cast<double>(sampled.values.size());
  std::vector<double> values = for_all(sampled.values.size(), [&](std::size_t i) {
    const double lambda = sampled.values[i];
    double density = 0, hilbert = 0;
    for (const double other : sampled.values) {
      const double width = h * other, x = (lambda - other) / width, inside = 1 - x * x / 5;
      density += edge * std::max(inside, 0.0) / width;
      hilbert += kernel_transform(x) / width;
    }
    density /= n;
    hilbert /= n;
    if (c >= 1) return 1 / (kPi * kPi * lambda * (density * density + hilbert * hilbert));
    const double imaginary = kPi * c * lambda * density, real = 1 - c - kPi * c * lambda * hilbert;
    return lambda / (imaginary * imaginary + real * real);
  });
  if (sampled.null == 0) return values;
  double mean_inverse = 0;
  for (const double value : sampled.values) mean_inverse += 1 / value / n;
  // The transform at 0 of one kernel of width h lambda is the bracket over lambda; h < 1/sqrt 5 keeps 0 outside of it.
  const double width = std::min(h, 0.999 / root_5);
  const double at_zero = (3 / (10 * width * width) + edge / width * (1 - 1 / (5 * width * width)) *
                                                         std::log((1 + root_5 * width) / (1 - root_5 * width))) /
                         kPi * mean_inverse;
  values.resize(sample.eigenvalues.size(), 1 / (kPi * (c - 1) * at_zero));
  return values;
}

}  // namespace

Shrinker quadratic_inverse_shrinkage() {
  return {"qis", "each by its neighbours, through their inverses (Ledoit, Wolf 2022)", quadratic_inverse};
}

Shrinker analytical_shrinkage() {
  return {"lw2020", "each by its neighbours, through their density (Ledoit, Wolf 2020)", analytical};
}

}  // namespace noiseutils
