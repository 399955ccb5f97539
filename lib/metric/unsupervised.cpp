#include "metric/unsupervised.hpp"

#include <algorithm>
#include <cmath>

#include "metric/interval.hpp"

namespace noiseutils {

UnsupervisedMetric::UnsupervisedMetric(const OptionValues& options)
    : half_width_(normal_half_width(options.number("confidence"))) {}

void UnsupervisedMetric::add_terms(const MetricSample& sample, double unit) {
  const UnsupervisedSums& terms = sample.unsupervised();
  const double n = sample.elements();
  // Of a single element the variance is unknown: 0 / 0. Samples pool by the variance of their sums, not by that of all
  // terms together: how far apart the samples' errors lie says nothing of how well each is known.
  const double variance = std::max(0.0, terms.squares - terms.sum * terms.sum / n) / (n - 1);
  sums_[0] += terms.sum / unit;
  sums_[1] += n * variance / (unit * unit);
  sums_[2] += n;
}

UnsupervisedMetric::Estimate UnsupervisedMetric::estimate() const {
  const double value = sums_[0] / sums_[2], standard_error = std::sqrt(sums_[1]) / sums_[2];
  return {value, standard_error, value - half_width_ * standard_error, value + half_width_ * standard_error};
}

}  // namespace noiseutils
