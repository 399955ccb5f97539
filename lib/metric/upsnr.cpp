#include <cmath>
#include <limits>
#include <numbers>

#include "metric/unsupervised.hpp"

namespace noiseutils {
namespace {

UnsupervisedForm form_of(const OptionValues& options) {
  return options.text("form") == "three" ? UnsupervisedForm::three : UnsupervisedForm::pairs;
}

/// 10 log10(R^2 / uMSE), R the range. The interval is that of uMSE with its ends transformed; where uMSE is not
/// positive the value is NaN and only the lower end stands; where the lower end of uMSE is not, the upper end is
/// infinite. The standard error is to first order, 10 / ln 10 se(uMSE) / uMSE; so is the bias, but of the larger error.
class UnsupervisedPsnr : public UnsupervisedMetric {
 public:
  explicit UnsupervisedPsnr(const OptionValues& options) : UnsupervisedMetric(options, form_of(options)) {}

  void add(const MetricSample& sample) override {
    add_terms(sample, sample.range());
    if (estimate().value <= 0)
      add_finding({"not-positive", "umse is not above 0: only the lower end of upsnr stands", 0});
  }

  std::vector<NamedValue> finish() const override {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
    const Estimate mse = estimate();
    const bool positive = mse.value > 0;
    const NamedValue value{"upsnr", positive ? decibels(1 / mse.value) : kNan};
    if (!has_interval()) return {value};
    return {value,
            {"upsnr_low", mse.high > 0 ? decibels(1 / mse.high) : kNan},
            {"upsnr_high", mse.low > 0           ? decibels(1 / mse.low)
                           : std::isnan(mse.low) ? kNan
                                                 : kInf},
            {"upsnr_stderr", positive ? 10 / std::numbers::ln10 * mse.standard_error / mse.value : kNan},
            {"upsnr_bias", positive ? decibels(1 + mse.bias / mse.value) : kNan}};
  }
};

}  // namespace

MetricEntry upsnr_metric() {
  std::vector<OptionSpec> options = interval_options();
  options.insert(
      options.begin(),
      choice("form", {"pairs", "three"}, "which umse: of all pairs of references, or of three").otherwise("pairs"));
  options.push_back(threshold_option("upsnr"));
  return {.name = "upsnr",
          .summary = "PSNR in dB from noisy references, without a clean one",
          .options = std::move(options),
          .make = make_metric<UnsupervisedPsnr>,
          .needs_references = 2,
          .more_references = true,
          .higher_is_better = true,
          .squared_error = true};
}

}  // namespace noiseutils
