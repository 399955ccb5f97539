#pragma once

#include <memory>
#include <vector>

#include "train/statistics.hpp"

namespace noiseutils {

/// --sketch, --sketch-by, --seed of kind gaussian.
std::vector<OptionSpec> sketch_options();
/// Whether --sketch was given. UsageError if --sketch-by was without it.
bool wants_sketch(const OptionValues& given);

/// The statistics of `gaussian --sketch L`: a sketch of the covariance instead of all of it. The law keeps R eigenpairs
/// (--rank, default (L - 10) / 2), and of all other directions the mean variance (t - sum_k lambda_k) / (d - R), t the
/// exact trace; the variance of the noise is taken off both, and what is below it is 0.
/// Throws UsageError for options that need the whole spectrum, DataError for L above the dimension.
std::unique_ptr<Statistics> sketch_statistics(const VectorLayout& layout, const OptionValues& given);
std::unique_ptr<Statistics> sketch_statistics(const VectorLayout& layout, const OptionValues& given,
                                              const Record& state);

}  // namespace noiseutils
