#pragma once

#include "metric/interval.hpp"
#include "metric/metric.hpp"

namespace noiseutils {

/// The mean squared error of f = data without a clean sample, from noisy references: the mean of u of an
/// UnsupervisedForm. Its expectation is the mean squared error if data and the references are independent given the
/// clean sample x and have expectation x; `three` also needs a as noisy as b and c. The interval is for the error of
/// this f on this x: of unknown noise only.
///   normal:    value +- z sd,  sd^2 = variance_of_sum() / n^2
///   bootstrap: blocks (joined to 1,024) drawn with replacement within each sample, their z summed, scaled to sd; the
///              half-width is the quantile of the size of the sums, since z has as often either sign
/// Samples pool by the variance of their sums, not by that of all terms together: how far apart the samples' errors lie
/// says nothing of how well each is known. Frames that share references have errors correlated with the next frame's by
/// at most 1/2: pooled, their variance counts twice.
/// Source of `three`: Marcos-Morales, Leibovich, Mohan, Vincent, Haluptzok, Fernandez-Granda, "Evaluating unsupervised
/// denoising requires unsupervised metrics", ICML 2023, eq. (5).
class UnsupervisedMetric : public Metric {
 public:
  void merge(const Metric& other) override;
  MetricState state() const override;
  void restore(const MetricState& state) override;
  std::vector<ReferenceFinding> findings() const override { return findings_; }

 protected:
  UnsupervisedMetric(const OptionValues& options, UnsupervisedForm form) : interval_(options), form_(form) {}
  /// Adds the sample's terms, each divided by the square of `range` if given; frame by frame where it is a stack that
  /// shares references. DataError if the clean sample cannot lie within a range so small.
  void add_terms(const MetricSample& sample, std::optional<double> range);
  void add_finding(ReferenceFinding finding) { findings_.push_back(std::move(finding)); }

  struct Estimate {
    double value, standard_error, low, high, bias;
  };
  Estimate estimate() const;
  bool has_interval() const { return interval_.kind != IntervalRequest::Kind::none; }
  UnsupervisedForm form() const { return form_; }
  std::int64_t block() const { return interval_.block; }

 private:
  void add_one(const MetricSample& sample, std::int64_t frame, std::optional<double> range);
  void add_resamples(const UnsupervisedBlocks& blocks, const MetricSample& sample, std::int64_t frame, double unit);

  IntervalRequest interval_;
  UnsupervisedForm form_;
  enum Sum { kValue, kVariance, kSharedVariance, kElements, kParts, kBias, kSums };
  std::array<double, kSums> sums_{};
  std::vector<double> resamples_;  // sum of u less its mean, as the bootstrap has it
  std::vector<ReferenceFinding> findings_;
};

/// The figures of umse and umse-pairs under the names NAME, NAME_low, NAME_high, NAME_stderr, NAME_bias.
class UnsupervisedMse : public UnsupervisedMetric {
 public:
  UnsupervisedMse(const OptionValues& options, UnsupervisedForm form, std::string name)
      : UnsupervisedMetric(options, form), name_(std::move(name)) {}
  void add(const MetricSample& sample) override;
  std::vector<NamedValue> finish() const override;

 private:
  std::string name_;
};

}  // namespace noiseutils
