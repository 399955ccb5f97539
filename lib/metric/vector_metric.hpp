#pragma once

#include "metric/metric.hpp"

namespace noiseutils {

/// A metric whose whole state is sums, as many as its options say: merging adds them.
class VectorMetric : public Metric {
 public:
  void merge(const Metric& other) override {
    const auto* same = dynamic_cast<const VectorMetric*>(&other);
    if (same == nullptr || same->sums_.size() != sums_.size()) throw InternalError("merging metrics of two kinds");
    for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += same->sums_[i];
  }
  MetricState state() const override { return {{"sums", sums_}}; }
  void restore(const MetricState& state) override {
    const auto found = state.find("sums");
    if (found == state.end() || found->second.size() != sums_.size())
      throw DataError("the state has not the " + std::to_string(sums_.size()) + " sums of this metric");
    sums_ = found->second;
  }

 protected:
  explicit VectorMetric(std::size_t count) : sums_(count) {}
  std::vector<double> sums_;
};

}  // namespace noiseutils
