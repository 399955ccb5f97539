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
  return {.name = "sure",
          .summary = "Stein's unbiased estimate of a denoiser's mean squared error, from noisy data alone",
          .options = risk_options(),
          .make = make_metric<SteinRisk>,
          .needs_noise = true};
}

}  // namespace noiseutils
