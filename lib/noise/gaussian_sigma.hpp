#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noise/schedule.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// Standard deviation of the white Gaussian noise that a text of metadata `noise` describes: the root of the summed
/// variances of its laws. nullopt if the text is empty. Throws DataError if a law is not Gaussian, or if the
/// data are scaled (noise/clean_units.hpp).
std::optional<double> gaussian_sigma(const std::string& noise);

/// alpha and sigma of every sample of a record, data = alpha x_0 + sigma n: what was given (the options --alpha,
/// --sigma; alpha alone goes with the sigma that the metadata tell, sigma alone with alpha 1), else what metadata `key`
/// says. Throws DataError where neither does.
std::vector<NoiseLevel> levels_of_samples(const Record& record, std::optional<double> alpha,
                                          std::optional<double> sigma, std::string_view key = "noise");

}  // namespace noiseutils
