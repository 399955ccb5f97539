#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "metric/metric.hpp"

namespace noiseutils {

/// One metric over a stream: the figures of every sample, and those of all samples together.
class MetricPool {
 public:
  MetricPool(const MetricEntry& entry, const OptionValues& options);

  const MetricEntry& entry() const { return entry_; }
  /// Measures one sample and takes it into the pool. Returns the sample's figures.
  std::vector<NamedValue> add(const MetricSample& sample);
  /// The figures of all samples as one set, then NAME_mean, the mean over samples of the first figure: for psnr the
  /// decibels of the mean error, and the mean of the decibels; and NAME_mean_stderr, its standard error sd / sqrt(n)
  /// by the spread between samples, NaN for a single one. Only after at least one sample.
  std::vector<NamedValue> summary() const;

  /// Why the figures of the sample last added may be off.
  const std::vector<ReferenceFinding>& findings() const { return findings_; }
  std::int64_t samples() const { return samples_; }

  /// Everything seen, as a JSON object: name, options, samples, the sum of their figures and of squared deviations from
  /// its mean ("squares"), state of the accumulator.
  nlohmann::json state() const;
  /// Takes in what another pool of the same metric and options has seen, from its state(). Throws DataError if it is
  /// that of another metric, of other options, or no such state.
  void merge_state(const nlohmann::json& state);

  /// True if `value`, a first figure, is below the threshold min-NAME, or is NaN.
  bool misses_threshold(double value) const;

 private:
  const MetricEntry& entry_;
  const OptionValues& options_;
  std::unique_ptr<Metric> all_;
  std::optional<double> threshold_;
  std::vector<ReferenceFinding> findings_;
  /// Takes in `samples` figures of this sum, whose deviations from their mean have these squares (Chan, Golub, LeVeque,
  /// American Statistician 37, 1983): sums of the squares themselves would lose what samples of like figures differ by.
  void add_figures(std::int64_t samples, double sum, double squares);

  double sum_ = 0, squares_ = 0;
  std::int64_t samples_ = 0;
};

}  // namespace noiseutils
