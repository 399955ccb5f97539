#include <cmath>

#include "metric/risk.hpp"

namespace noiseutils {
namespace {

/// The mean squared error of a denoiser's estimate, from the noisy sample alone (risk.hpp), pooled over elements.
class SteinRisk : public AdditiveMetric<3> {
 public:
  explicit SteinRisk(const OptionValues& options) : plan_(options) {}
  void add(const MetricSample& sample) override {
    const Risk risk = estimate_risk(sample, plan_, false);
    sums_[0] += risk.sum;
    sums_[1] += sample.elements();
    sums_[2] += risk.variance;
  }
  std::vector<NamedValue> finish() const override {
    return {{"sure", sums_[0] / sums_[1]}, {"sure_stderr", std::sqrt(sums_[2]) / sums_[1]}};
  }

 private:
  ProbePlan plan_;
};

}  // namespace

MetricEntry sure_metric() {
  MetricEntry entry{
      "sure",
      "Stein's unbiased estimate of a denoiser's mean squared error, from noisy data alone",
      false,
      0,
      risk_options(),
      [](const OptionValues& options) -> std::unique_ptr<Metric> { return std::make_unique<SteinRisk>(options); }};
  entry.needs_noise = true;
  return entry;
}

}  // namespace noiseutils
