#include <algorithm>
#include <cmath>
#include <numbers>

#include "metric/distributions.hpp"
#include "metric/metric.hpp"
#include "metric/sample_noise.hpp"
#include "metric/vector_metric.hpp"

namespace noiseutils {
namespace {

/// Is the standardised residual r = (y - f) / sigma(f) normal? Moments over all elements, and the test of Jarque and
/// Bera:
///   JB = n (skewness^2 / 6 + kurtosis^2 / 24),  chi-square of 2 degrees where r is normal: p = exp(-JB / 2)
/// Skewness g1 = m3 / m2^(3/2) and excess kurtosis g2 = m4 / m2^2 - 3 of central moments m.
/// Source: Jarque, Bera, International Statistical Review 55, 1987.
/// And is it standard normal? The distance of Kolmogorov and Smirnov, of the shares below bounds 1/256 apart:
///   D = max |#{r < t} / n - Phi(t)|,  p = K((sqrt(n) + 0.12 + 0.11 / sqrt(n)) D)
/// with K of kolmogorov_tail. Shares of bins add up over samples, as sorted values do not; between the bounds D may be
/// larger, by a few hundredths of itself. Source of p: Stephens, Journal of the Royal Statistical Society B 32, 1970.
class ResidualNormality : public VectorMetric {
 public:
  explicit ResidualNormality(const OptionValues& options)
      : VectorMetric(kMoments + kBins), sigma_(options.maybe_number("sigma")) {}
  void add(const MetricSample& sample) override {
    for (const double r : standardised_residual(sample, sigma_)) {
      sums_[0] += 1;
      sums_[1] += r;
      sums_[2] += r * r;
      sums_[3] += r * r * r;
      sums_[4] += r * r * r * r;
      if (!std::isnan(r)) sums_[kMoments + bin_of(r)] += 1;
    }
  }
  std::vector<NamedValue> finish() const override {
    const double n = sums_[0], mean = sums_[1] / n, second = sums_[2] / n, third = sums_[3] / n;
    const double m2 = second - mean * mean;
    const double m3 = third - 3 * mean * second + 2 * mean * mean * mean;
    const double m4 = sums_[4] / n - 4 * mean * third + 6 * mean * mean * second - 3 * mean * mean * mean * mean;
    const double skewness = m3 / std::pow(m2, 1.5), kurtosis = m4 / (m2 * m2) - 3;
    const double statistic = n * (skewness * skewness / 6 + kurtosis * kurtosis / 24);
    const double distance = std::isnan(mean) ? mean : distance_from_normal(), root = std::sqrt(n);
    return {{"normality", chi_square_tail(statistic, 2)},
            {"normality_skewness", skewness},
            {"normality_kurtosis", kurtosis},
            {"normality_bias", mean},
            {"normality_sd", std::sqrt(m2)},
            {"normality_ks", distance},
            {"normality_ks_p", kolmogorov_tail((root + 0.12 + 0.11 / root) * distance)}};
  }

 private:
  static constexpr std::size_t kMoments = 5, kBins = 4096;
  static constexpr double kBinsPerUnit = 256, kEnd = 8;  // bins from -8 to 8

  static std::size_t bin_of(double r) {
    return static_cast<std::size_t>(std::clamp((r + kEnd) * kBinsPerUnit, 0.0, kBins - 1.0));
  }
  double distance_from_normal() const {
    double below = 0, distance = 0;
    for (std::size_t i = 0; i + 1 < kBins; ++i) {
      below += sums_[kMoments + i];
      const double bound = static_cast<double>(i + 1) / kBinsPerUnit - kEnd;
      const double normal = std::erfc(-bound / std::numbers::sqrt2) / 2;
      distance = std::max(distance, std::abs(below / sums_[0] - normal));
    }
    return distance;
  }

  std::optional<double> sigma_;
};

}  // namespace

MetricEntry normality_metric() {
  return {.name = "normality",
          .summary = "p-value of a test that the residual (noisy - data) / sigma is normal; its moments",
          .options = {sigma_option()},
          .make = make_metric<ResidualNormality>,
          .needs_noise = true,
          .higher_is_better = true};
}

}  // namespace noiseutils
