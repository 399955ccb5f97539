#pragma once

#include "tensor/format.hpp"

namespace noiseutils {

/// One page a sample (or one for each place along a leading axis, as of THW), uncompressed. Values that came from 8 or
/// 16-bit integers are written as such, integer counts of 8 or 16 bits too, anything else as 32-bit floats, or 64-bit
/// where `data` has more than 24 bits of precision.
std::unique_ptr<PageWriter> open_tiff_writer(int descriptor, const WriteOptions& options);

}  // namespace noiseutils
