#include "metric/interval.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace noiseutils {

double normal_half_width(double confidence) {
  // Newton's method on the convex erfc(z / sqrt 2) - (1 - confidence): from z = 0 it rises to the root and never
  // passes it.
  double z = 0;
  for (int i = 0; i < 200; ++i) {
    const double excess = std::erfc(z / std::numbers::sqrt2) - (1 - confidence);
    const double slope = std::sqrt(2 / std::numbers::pi) * std::exp(-0.5 * z * z);
    const double step = excess / slope;
    z += step;
    if (std::abs(step) <= 1e-15 * z) break;
  }
  return z;
}

double resampled_half_width(std::vector<double> values, double confidence) {
  const bool has_gap = std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); });
  if (values.empty() || has_gap) return std::numeric_limits<double>::quiet_NaN();
  for (double& value : values) value = std::abs(value);
  const auto count = static_cast<double>(values.size());
  const auto rank = static_cast<std::ptrdiff_t>(std::min(std::ceil(confidence * (count + 1)), count)) - 1;
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

OptionSpec confidence_option() {
  return number("confidence", "P", "probability that the interval aims to cover")
      .otherwise("0.95")
      .above(0)
      .at_most(0.999999);
}

OptionSpec resampling_seed_option() {
  OptionSpec spec = text("seed", "S", "seed of the random numbers, 0 to 2^64-1, or random");
  spec.type = OptionType::seed;
  spec.fallback = std::string("0");
  return spec.not_in_history();
}

OptionSpec resamples_option() {
  return integer("resamples", "N", "resamples of the bootstrap").otherwise("1000").at_least(100).at_most(100'000);
}

OptionSpec block_option() {
  return integer("block", "B",
                 "side of the blocks, in elements, within which noise may be correlated; halved while there are fewer "
                 "than 64 blocks")
      .otherwise("8")
      .at_least(1)
      .at_most(65536);
}

std::vector<OptionSpec> interval_options() {
  return {choice("interval", {"normal", "bootstrap", "none"}, "how the interval is made").otherwise("normal"),
          confidence_option(), block_option(), resamples_option(), resampling_seed_option()};
}

IntervalRequest::IntervalRequest(const OptionValues& options)
    : confidence(options.number("confidence")),
      block(options.integer("block")),
      resamples(options.integer("resamples")),
      seed(options.seed()) {
  const std::string name = options.text("interval");
  kind = name == "bootstrap" ? Kind::bootstrap : name == "none" ? Kind::none : Kind::normal;
}

}  // namespace noiseutils
