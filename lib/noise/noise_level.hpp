#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tensor/record.hpp"

namespace noiseutils {

/// The standard deviation of the noise in each sample of a record's `data`, in its units: `asked` if given, else from
/// the metadata `noise`. For noise whose variance depends on the clean value it is the root of the mean variance,
///   sigma^2 = E Var(y | x),  from the mean and mean square of the noisy sample (VarianceLaw::mean_from_noisy),
/// as linear estimates want it. 0 where the noise vanishes (no counts at all).
/// Throws DataError if neither is there.
std::vector<double> noise_levels(const Record& record, std::optional<double> asked);

/// The metadata text of the noise that a program takes as known: white Gaussian noise of `asked` if given, else what
/// `noise` says.
std::string known_noise(const Record& record, std::optional<double> asked);

}  // namespace noiseutils
