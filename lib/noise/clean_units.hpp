#pragma once

#include <optional>
#include <string>
#include <vector>

#include "noise/schedule.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

/// What a text of metadata `noise` says of data = alpha x_0 + noise, as the forward step of a diffusion makes them.
struct CleanUnits {
  double alpha = 1;   ///< scale of the clean sample in the data
  std::string noise;  ///< the text for data / alpha: every sigma divided by the scale, no alpha but 1
};

/// Throws DataError if it is no JSON, alpha is no number >= 0, or a law that is not Gaussian follows a scaled one.
CleanUnits clean_units(const std::string& noise);

/// Throws DataError, which says what to do, if the text tells of scaled data: for what only takes data = x_0 + noise.
void require_clean_units(const std::string& noise);

/// Replaces data = alpha x_0 + sigma n of each sample by x_0 + (sigma / alpha) n, and the metadata `noise` accordingly.
/// Leaves a record whose data are not scaled as it is. Throws DataError where alpha is 0: nothing of x_0 is left.
void to_clean_units(Record& record);

}  // namespace noiseutils
