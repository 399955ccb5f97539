#include <cmath>

#include "metric/distributions.hpp"
#include "metric/metric.hpp"
#include "metric/sample_noise.hpp"

namespace noiseutils {
namespace {

/// Is the standardised residual r = (y - f) / sigma(f) normal? Moments over all elements, and the test of Jarque and
/// Bera:
///   JB = n (skewness^2 / 6 + kurtosis^2 / 24),  chi-square of 2 degrees where r is normal: p = exp(-JB / 2)
/// Skewness g1 = m3 / m2^(3/2) and excess kurtosis g2 = m4 / m2^2 - 3 of central moments m.
/// Source: Jarque, Bera, International Statistical Review 55, 1987.
class ResidualNormality : public AdditiveMetric<5> {
 public:
  explicit ResidualNormality(const OptionValues& options) : sigma_(options.maybe_number("sigma")) {}
  void add(const MetricSample& sample) override {
    for (const double r : standardised_residual(sample, sigma_)) {
      sums_[0] += 1;
      sums_[1] += r;
      sums_[2] += r * r;
      sums_[3] += r * r * r;
      sums_[4] += r * r * r * r;
    }
  }
  std::vector<NamedValue> finish() const override {
    const double n = sums_[0], mean = sums_[1] / n, second = sums_[2] / n, third = sums_[3] / n;
    const double m2 = second - mean * mean;
    const double m3 = third - 3 * mean * second + 2 * mean * mean * mean;
    const double m4 = sums_[4] / n - 4 * mean * third + 6 * mean * mean * second - 3 * mean * mean * mean * mean;
    const double skewness = m3 / std::pow(m2, 1.5), kurtosis = m4 / (m2 * m2) - 3;
    const double statistic = n * (skewness * skewness / 6 + kurtosis * kurtosis / 24);
    return {{"normality", chi_square_tail(statistic, 2)},
            {"normality_skewness", skewness},
            {"normality_kurtosis", kurtosis},
            {"normality_bias", mean},
            {"normality_sd", std::sqrt(m2)}};
  }

 private:
  std::optional<double> sigma_;
};

}  // namespace

MetricEntry normality_metric() {
  MetricEntry entry{"normality",
                    "p-value of a test that the residual (noisy - data) / sigma is normal; its moments",
                    false,
                    0,
                    {sigma_option()},
                    [](const OptionValues& options) -> std::unique_ptr<Metric> {
                      return std::make_unique<ResidualNormality>(options);
                    }};
  entry.needs_noise = true;
  return entry;
}

}  // namespace noiseutils
