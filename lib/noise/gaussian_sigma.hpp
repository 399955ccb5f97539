#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tensor/record.hpp"

namespace noiseutils {

/// Standard deviation of the white Gaussian noise that a text of metadata `noise` describes: the root of the summed
/// variances of its laws. nullopt if the text is empty. Throws DataError if a law is not Gaussian.
std::optional<double> gaussian_sigma(const std::string& noise);

/// The sigma of every sample of a record: `given` (the option --sigma) where there is one, else what metadata `key`
/// says. Throws DataError where neither does.
std::vector<double> sigmas_of_samples(const Record& record, std::optional<double> given,
                                      std::string_view key = "noise");

}  // namespace noiseutils
