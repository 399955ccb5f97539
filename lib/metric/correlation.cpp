#include <cmath>

#include "metric/block_sums.hpp"
#include "metric/metric.hpp"

namespace noiseutils {
namespace {

/// Pearson's r over all elements, sum (f - mf)(x - mx) / sqrt(sum (f - mf)^2 sum (x - mx)^2) with f = data, x = clean.
/// Sums about the mean of all are merged, not raw powers: those cancel where the mean is large against the spread.
/// Source: Chan, Golub, LeVeque, The American Statistician 37, 1983, eq. (2.1).
class Correlation : public AdditiveMetric<6> {
 public:
  void add(const MetricSample& sample) override {
    sample.data().dtype() == DType::F32 ? add_values<float>(sample) : add_values<double>(sample);
  }
  void merge(const Metric& other) override {
    const auto* same = dynamic_cast<const Correlation*>(&other);
    if (same == nullptr) throw InternalError("merging metrics of two kinds");
    take_in(same->sums_);
  }
  std::vector<NamedValue> finish() const override {
    return {{"correlation", sums_[kFX] / std::sqrt(sums_[kFF] * sums_[kXX])}};
  }

 private:
  enum { kCount, kMeanF, kMeanX, kFF, kXX, kFX };

  void take_in(const std::array<double, 6>& other) {
    const double n = sums_[kCount], m = other[kCount];
    if (m == 0) return;
    const double df = other[kMeanF] - sums_[kMeanF], dx = other[kMeanX] - sums_[kMeanX], weight = n * m / (n + m);
    sums_[kCount] = n + m;
    sums_[kMeanF] += df * m / (n + m);
    sums_[kMeanX] += dx * m / (n + m);
    sums_[kFF] += other[kFF] + weight * df * df;
    sums_[kXX] += other[kXX] + weight * dx * dx;
    sums_[kFX] += other[kFX] + weight * df * dx;
  }

  template <class Real>
  void add_values(const MetricSample& sample) {
    const auto f = sample.data().values<Real>(), x = sample.clean().values<Real>();
    const double n = sample.elements();
    const auto totals =
        sums_over_blocks<2>(sample.data().size(), [&](std::int64_t first, std::int64_t last, auto& sums) {
          for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
            sums[0] += static_cast<double>(f[i]);
            sums[1] += static_cast<double>(x[i]);
          }
        });
    const double mean_f = totals[0] / n, mean_x = totals[1] / n;
    const auto centred =
        sums_over_blocks<3>(sample.data().size(), [&](std::int64_t first, std::int64_t last, auto& sums) {
          for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
            const double a = static_cast<double>(f[i]) - mean_f, b = static_cast<double>(x[i]) - mean_x;
            sums[0] += a * a;
            sums[1] += b * b;
            sums[2] += a * b;
          }
        });
    if (centred[0] == 0 || centred[1] == 0)
      throw DataError(std::string(centred[1] == 0 ? "the clean sample" : "data") +
                      " is constant: its correlation with anything is undefined");
    take_in({n, mean_f, mean_x, centred[0], centred[1], centred[2]});
  }
};

}  // namespace

MetricEntry correlation_metric() {
  return {.name = "correlation",
          .summary = "Pearson's correlation of data and clean",
          .make = make_metric<Correlation>,
          .needs_clean = true,
          .higher_is_better = true};
}

}  // namespace noiseutils
