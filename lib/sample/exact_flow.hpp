#pragma once

#include "model/linear_model.hpp"

namespace noiseutils {

/// The probability flow of a Gaussian law from noise level `from` > 0 to `to` >= 0, by the gains of x - mean:
///   sqrt((lambda + to^2) / (lambda + from^2))
/// Source: Wang, Vastola 2023, "The hidden linear structure in score-based models", their solution for a Gaussian.
Gains exact_flow(const LinearModel& law, double from, double to);

}  // namespace noiseutils
