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
/// Noise that differs from place to place counts by its mean variance; that clipping bends the law is not taken into
/// account. Throws DataError if neither is there, or if the noise is of a family whose variance is no quadratic
/// function of an unbiased mean (rician, salt-pepper ...), naming it.
std::vector<double> noise_levels(const Record& record, std::optional<double> asked);

/// The metadata text of the noise that a program takes as known: white Gaussian noise of `asked` if given, else what
/// `noise` says.
std::string known_noise(const Record& record, std::optional<double> asked);

}  // namespace noiseutils
