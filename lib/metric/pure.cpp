#include "metric/risk.hpp"

namespace noiseutils {
namespace {

/// The same for counts, to the second order in one count's step (risk.hpp). The exact mean is that of
///   |f|^2 - 2 sum_i y_i f_i(y - z e_i) + |y|^2 - z sum_i y_i,  y = z Poisson(x / z)
/// Source: Luisier, Blu, Unser, IEEE Trans. Image Processing 20, 2011.
class PoissonRisk : public AdditiveMetric<2> {
 public:
  explicit PoissonRisk(const OptionValues& options) : plan_(options) {}
  void add(const MetricSample& sample) override {
    const SampleNoise noise = sample_noise(sample.noise(), plan_.sigma);
    if (!noise.is("poisson") && !noise.is("poisson-gaussian"))
      throw DataError("pure is for poisson and poisson-gaussian noise, data has " + noise.families.front() +
                      ": ask for sure");
    sums_[0] += estimate_risk(sample, plan_, true).sum;
    sums_[1] += sample.elements();
  }
  std::vector<NamedValue> finish() const override { return {{"pure", sums_[0] / sums_[1]}}; }

 private:
  ProbePlan plan_;
};

}  // namespace

MetricEntry pure_metric() {
  return {.name = "pure",
          .summary = "Poisson unbiased risk estimate: sure for counts, to second order",
          .options = risk_options(),
          .make = make_metric<PoissonRisk>,
          .needs_noise = true};
}

}  // namespace noiseutils
