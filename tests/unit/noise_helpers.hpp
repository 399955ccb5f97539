#pragma once

#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "base/registry.hpp"
#include "noise/noise.hpp"
#include "statistics.hpp"

namespace noiseutils::test {

inline std::unique_ptr<Noise> law_of(const std::string& family, const NoiseSettings& settings) {
  return find_entry(noise_families(), family)->make(settings);
}
inline std::unique_ptr<Noise> law_of(const std::string& family, const NoiseParameters& numbers) {
  return law_of(family, NoiseSettings{numbers, {}, {}});
}

/// A FILE parameter with these values.
inline NoiseMap map_of(const Shape& shape, const std::vector<double>& values) {
  double squares = 0;
  for (const double v : values) squares += v * v;
  return {"map.npy", "0", std::sqrt(squares / static_cast<double>(values.size())), Tensor::of<double>(shape, values)};
}

/// The noise of one sample of zeros, for laws of any kind.
inline std::vector<double> noise_of_sample(const Noise& noise, const NoiseKey& key, const SampleGeometry& geometry) {
  const auto fitted = noise.of_sample(key, geometry);
  const Noise& law = fitted ? *fitted : noise;
  std::vector<double> zero(static_cast<std::size_t>(element_count(geometry.shape)), 0.0), y(zero.size());
  if (const auto draw = law.begin(key, Tensor::of<double>(geometry.shape, zero), geometry))
    draw->draw(0, zero, std::span<double>(y));
  else
    law.draw(key, 0, zero, std::span<double>(y));
  return y;
}

/// n draws of y given the same x.
inline std::vector<double> draws(const Noise& law, double x, std::size_t n) {
  const std::vector<double> clean(n, x);
  std::vector<double> noisy(n);
  law.draw({11, 0, 0}, 0, clean, std::span<double>(noisy));
  return noisy;
}

/// How many standard errors the mean and the variance of n draws are off, the larger.
inline double moments_off(const Noise& law, double x, std::size_t n) {
  const auto y = draws(law, x, n);
  const double mean = law.mean_at(x), variance = law.variance_at(x);
  double sum = 0, squares = 0, fourth = 0;
  for (const double v : y) {
    sum += v - mean;
    squares += (v - mean) * (v - mean);
    fourth += std::pow(v - mean, 4);
  }
  const double count = static_cast<double>(n);
  const double spread = fourth / count - (squares / count) * (squares / count);
  return std::max(std::abs(sum / count) / std::sqrt(variance / count),
                  std::abs(squares / count - variance) / std::sqrt(spread / count));
}

/// p of Kolmogorov and Smirnov, from the distribution function; values at or below `atom` are lumps.
inline double ks_p(const std::vector<double>& y, const std::function<double(double)>& cdf, double atom = -1) {
  std::vector<double> u;
  for (const double v : y) u.push_back(cdf(v));
  return kolmogorov_smirnov_p(std::move(u), atom);
}

/// The integral of the density exp(log_likelihood(y, x)) over [low, high], by the trapezoid rule.
inline double mass(const Noise& law, double x, double low, double high, int steps = 200000) {
  const double h = (high - low) / steps;
  double sum = 0;
  for (int i = 0; i <= steps; ++i)
    sum += (i == 0 || i == steps ? 0.5 : 1.0) * std::exp(law.log_likelihood(low + i * h, x));
  return sum * h;
}

/// The same over (e^low, e^high), in log y: for densities with a pole at 0.
inline double mass_of_logs(const Noise& law, double x, double low, double high, int steps = 20000) {
  const double h = (high - low) / steps;
  double sum = 0;
  for (int i = 0; i <= steps; ++i) {
    const double u = low + i * h;
    sum += (i == 0 || i == steps ? 0.5 : 1.0) * std::exp(u + law.log_likelihood(std::exp(u), x));
  }
  return sum * h;
}

inline double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

}  // namespace noiseutils::test
