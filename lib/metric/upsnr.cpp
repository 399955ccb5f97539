#include <cmath>
#include <limits>
#include <numbers>

#include "metric/interval.hpp"
#include "metric/unsupervised.hpp"

namespace noiseutils {
namespace {

/// 10 log10(R^2 / uMSE), R the range. The interval is that of uMSE with its ends transformed; where uMSE is not
/// positive the value is NaN and only the lower end stands; where the lower end of uMSE is not, the upper end is
/// infinite. The standard error is to first order, 10 / ln 10 se(uMSE) / uMSE.
class UnsupervisedPsnr : public UnsupervisedMetric {
 public:
  explicit UnsupervisedPsnr(const OptionValues& options) : UnsupervisedMetric(options) {}
  void add(const MetricSample& sample) override { add_terms(sample, sample.range() * sample.range()); }
  std::vector<NamedValue> finish() const override {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
    const Estimate mse = estimate();
    const bool positive = mse.value > 0;
    return {{"upsnr", positive ? decibels(1 / mse.value) : kNan},
            {"upsnr_low", mse.high > 0 ? decibels(1 / mse.high) : kNan},
            {"upsnr_high", mse.low > 0           ? decibels(1 / mse.low)
                           : std::isnan(mse.low) ? kNan
                                                 : kInf},
            {"upsnr_stderr", positive ? 10 / std::numbers::ln10 * mse.standard_error / mse.value : kNan}};
  }
};

}  // namespace

MetricEntry upsnr_metric() {
  return {"upsnr",
          "PSNR in dB from three noisy references, without a clean one",
          false,
          3,
          {confidence_option(), threshold_option("upsnr")},
          [](const OptionValues& options) -> std::unique_ptr<Metric> {
            return std::make_unique<UnsupervisedPsnr>(options);
          }};
}

}  // namespace noiseutils
