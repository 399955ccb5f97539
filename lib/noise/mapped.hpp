#pragma once

#include <memory>
#include <string>

#include "noise/noise.hpp"

namespace noiseutils {

/// The option --map of zero-mean additive families.
OptionSpec map_option();

/// `law`, whose noise is multiplied by the map in the settings' FILE `option`, if there is one:
///   y_e = x_e + m_e n_e  with  n = y - x of `law`.
/// law: zero-mean additive. The map has the shape of the sample or of its last axes (HW of CHW), with values >= 0.
/// If `standard_name` is not empty it is the parameter of `law` that the map takes the place of (sigma of --sigma-map).
/// Throws UsageError for negative values; of_sample() throws DataError where the shapes do not fit.
std::unique_ptr<Noise> with_map(std::unique_ptr<Noise> law, const NoiseSettings& settings, const std::string& option,
                                const std::string& replaced_parameter = "");

}  // namespace noiseutils
