#include <cmath>
#include <limits>

#include "metric/metric.hpp"

namespace noiseutils {
namespace {

/// How far the laws of the values lie apart, wherever the values stand: with p_b, q_b the shares of the values of data
/// and clean in B equal bins over [0, R] (values outside count in the end bins),
///   histogram    = sum_b |P_b - Q_b| / B     P, Q the cumulated shares: the 1-Wasserstein distance, as a part of R
///   histogram_tv = sum_b |p_b - q_b| / 2     total variation, 0 ... 1
class HistogramDistance : public Metric {
 public:
  explicit HistogramDistance(const OptionValues& options)
      : bins_(static_cast<std::size_t>(options.integer("bins"))), data_(bins_), clean_(bins_) {}

  void add(const MetricSample& sample) override {
    count(sample.data(), sample.range(), data_);
    count(sample.clean(), sample.range(), clean_);
  }
  void merge(const Metric& other) override {
    const auto* same = dynamic_cast<const HistogramDistance*>(&other);
    if (same == nullptr || same->bins_ != bins_) throw InternalError("merging metrics of two kinds");
    for (std::size_t b = 0; b < bins_; ++b) {
      data_[b] += same->data_[b];
      clean_[b] += same->clean_[b];
    }
  }
  MetricState state() const override { return {{"clean", clean_}, {"data", data_}}; }
  void restore(const MetricState& state) override {
    const auto clean = state.find("clean"), data = state.find("data");
    if (clean == state.end() || data == state.end() || clean->second.size() != bins_ || data->second.size() != bins_)
      throw DataError("the state has not the " + std::to_string(bins_) + " bins of this metric");
    clean_ = clean->second;
    data_ = data->second;
  }
  std::vector<NamedValue> finish() const override {
    double total = 0, wasserstein = 0, variation = 0, cumulated = 0;
    for (const double share : data_) total += share;
    for (std::size_t b = 0; b < bins_; ++b) {
      const double difference = data_[b] - clean_[b];
      cumulated += difference;
      wasserstein += std::abs(cumulated);
      variation += std::abs(difference);
    }
    return {{"histogram", wasserstein / total / static_cast<double>(bins_)}, {"histogram_tv", variation / total / 2}};
  }

 private:
  void count(const Tensor& tensor, double range, std::vector<double>& counts) const {
    const auto tally = [&](auto values) {
      const auto last = static_cast<double>(bins_ - 1), bins = static_cast<double>(bins_);
      for (const auto value : values) {
        const double at = std::floor(static_cast<double>(value) / range * bins);
        // What is not finite has no bin: it spoils the figures, as it does those of other metrics.
        if (std::isfinite(at))
          counts[static_cast<std::size_t>(std::clamp(at, 0.0, last))] += 1;
        else
          counts[0] = std::numeric_limits<double>::quiet_NaN();
      }
    };
    tensor.dtype() == DType::F32 ? tally(tensor.values<float>()) : tally(tensor.values<double>());
  }

  std::size_t bins_;
  std::vector<double> data_, clean_;
};

}  // namespace

MetricEntry histogram_metric() {
  return {
      .name = "histogram",
      .summary = "distance between the histograms of data and clean",
      .options =
          {integer("bins", "B", "bins of the histograms over the range").otherwise("256").at_least(2).at_most(65536)},
      .make = make_metric<HistogramDistance>,
      .needs_clean = true};
}

}  // namespace noiseutils
