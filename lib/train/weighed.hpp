#pragma once

#include <memory>

#include "train/statistics.hpp"

namespace noiseutils {

/// The statistics of `gaussian --weigh`: moments apart for each level of the noise, so that what is known better counts
/// more. With w = 1 / (sigma^2 + lambda)^2, lambda the mean eigenvalue of the law (first estimated without weights),
///   Sigma = sum w (y - m)(y - m)^T / sum w - (sum w sigma^2 / sum w) I:
/// unbiased for any weights that do not look at the sample, and next to the best for these.
/// Variances within a factor of 2 of each other share a level, and its weight; their own mean is what is taken off.
std::unique_ptr<Statistics> weighed_statistics(const VectorLayout& layout, const OptionValues& given);
/// What save() wrote. DataError if it is not that.
std::unique_ptr<Statistics> weighed_statistics(const VectorLayout& layout, const OptionValues& given,
                                               const Record& state);

}  // namespace noiseutils
