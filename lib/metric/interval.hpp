#pragma once

#include <cstdint>
#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// The half-width z of a two-sided normal interval: P(|N(0, 1)| < z) = confidence, 0 < confidence < 1.
double normal_half_width(double confidence);

/// The half-width that `confidence` of `values`, draws of a law symmetric about 0, do not exceed in size.
double resampled_half_width(std::vector<double> values, double confidence);

/// --confidence: the probability of a metric's interval.
OptionSpec confidence_option();
/// --seed of metrics that resample.
OptionSpec resampling_seed_option();
/// --resamples
OptionSpec resamples_option();
/// --block
OptionSpec block_option();
/// --interval --confidence --block --resamples --seed
std::vector<OptionSpec> interval_options();

/// What interval_options() say.
struct IntervalRequest {
  enum class Kind { none, normal, bootstrap } kind = Kind::normal;
  double confidence = 0.95;
  std::int64_t block = 8, resamples = 1000;
  std::uint64_t seed = 0;

  explicit IntervalRequest(const OptionValues& options);
};

}  // namespace noiseutils
