#pragma once

#include "base/option.hpp"

namespace noiseutils {

/// The half-width z of a two-sided normal interval: P(|N(0, 1)| < z) = confidence, 0 < confidence < 1.
double normal_half_width(double confidence);

/// --confidence: the probability of a metric's interval.
OptionSpec confidence_option();

}  // namespace noiseutils
