#pragma once

#include "denoise/float_plane.hpp"

namespace noiseutils {

/// The standard deviation that a plane has without its noise, which has variance 1: sqrt(max(0, var - 1)). It tells
/// whether noise is strong, whatever the units.
double contrast(const FloatPlane& noisy);

}  // namespace noiseutils
