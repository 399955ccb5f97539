#include "metric/metric.hpp"

#include <cmath>
#include <limits>

namespace noiseutils {

OptionSpec threshold_option(const std::string& metric) {
  return number("min-" + metric, "X", "exit 1 if " + metric + " is below X dB in any sample (with --summary: pooled)");
}

double decibels(double ratio) {
  if (ratio < 0) return std::numeric_limits<double>::quiet_NaN();
  return 10 * std::log10(ratio);
}

}  // namespace noiseutils
