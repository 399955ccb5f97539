#pragma once

#include "tensor/format.hpp"

namespace noiseutils {

/// Each from its own file format_NAME.cpp.
FileFormat npy_format();
FileFormat png_format();
FileFormat jpeg_format();
FileFormat bmp_format();
FileFormat pgm_format();
FileFormat ppm_format();
FileFormat pnm_format();
FileFormat pfm_format();
FileFormat tiff_format();

}  // namespace noiseutils
