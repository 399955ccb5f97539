#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.hpp"
#include "base/option.hpp"
#include "metric/metric_sample.hpp"

namespace noiseutils {

/// A figure under the key it has in the output.
struct NamedValue {
  std::string name;
  double value;
};

/// All that an accumulator has seen, as named numbers: what an array job writes down for the others to merge.
using MetricState = std::map<std::string, std::vector<double>, std::less<>>;

/// An accumulator over samples. One that saw a single sample gives that sample's figures; merged with others it gives
/// the figures of all of them as one set (before any logarithm or root).
class Metric {
 public:
  virtual ~Metric() = default;
  /// Throws DataError if the sample lacks what the metric needs, or does not fit it.
  virtual void add(const MetricSample& sample) = 0;
  /// Takes in what `other`, made by the same entry and options, has seen.
  virtual void merge(const Metric& other) = 0;
  virtual MetricState state() const = 0;
  /// Becomes what state() was taken of, by the same entry and options. Throws DataError if `state` does not fit.
  virtual void restore(const MetricState& state) = 0;
  /// The figures, the first of them under the metric's own name.
  virtual std::vector<NamedValue> finish() const = 0;
  /// Why the figures may be off, of the samples added (not of those merged or restored).
  virtual std::vector<ReferenceFinding> findings() const { return {}; }
};

/// A metric whose whole state is kSums sums: merging adds them.
template <std::size_t kSums>
class AdditiveMetric : public Metric {
 public:
  void merge(const Metric& other) override {
    const auto* same = dynamic_cast<const AdditiveMetric*>(&other);
    if (same == nullptr) throw InternalError("merging metrics of two kinds");
    for (std::size_t i = 0; i < kSums; ++i) sums_[i] += same->sums_[i];
  }
  MetricState state() const override { return {{"sums", {sums_.begin(), sums_.end()}}}; }
  void restore(const MetricState& state) override {
    const auto found = state.find("sums");
    if (found == state.end() || found->second.size() != kSums)
      throw DataError("the state has not the " + std::to_string(kSums) + " sums of this metric");
    std::copy(found->second.begin(), found->second.end(), sums_.begin());
  }

 protected:
  std::array<double, kSums> sums_{};
};

/// A metric as the registry lists it. An option min-NAME among its options is a threshold on its first figure.
struct MetricEntry {
  std::string name;
  std::string summary;
  std::vector<OptionSpec> options = {};
  std::unique_ptr<Metric> (*make)(const OptionValues& options) = nullptr;
  bool needs_clean = false;       ///< compares with the clean sample
  int needs_references = 0;       ///< this many independent noisy references
  bool more_references = false;   ///< takes more than needs_references where there are more
  bool needs_noise = false;       ///< takes the noisy sample and the law of its noise
  bool takes_capture = false;     ///< compares with reference.1 where there is no clean sample
  bool higher_is_better = false;  ///< of its first figure
  bool squared_error = false;     ///< a mean of squared errors; with higher_is_better: its decibels
};

/// All metrics, in the order of --help.
const std::vector<MetricEntry>& metrics();

/// A metric of `Kind`, told the options if it takes any.
template <class Kind>
std::unique_ptr<Metric> make_metric(const OptionValues& options) {
  if constexpr (std::is_constructible_v<Kind, const OptionValues&>) {
    return std::make_unique<Kind>(options);
  } else {
    return std::make_unique<Kind>();
  }
}

/// --min-NAME: the threshold of a metric in decibels.
OptionSpec threshold_option(const std::string& metric);

/// 10 log10(ratio); infinite for ratio = inf, NaN for a ratio below 0.
double decibels(double ratio);

}  // namespace noiseutils
