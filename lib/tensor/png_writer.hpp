#pragma once

#include "tensor/format.hpp"

namespace noiseutils {

/// Grey and RGB, 8 or 16 bit, through libpng. Equal samples give equal bytes: no time, no text.
std::unique_ptr<PageWriter> open_png_writer(int descriptor, const WriteOptions& options);

}  // namespace noiseutils
