#pragma once

#include <cstdint>
#include <string>

#include "tensor/io_options.hpp"

namespace noiseutils {

/// Samples in one regular file as open_records() would read it, from headers alone: no pixel is decoded, no value
/// read, but where `options.axes` makes samples of the pages of a TIFF.
/// Throws InputError if the file is missing or no regular file; DataError if it is damaged or of no known format.
std::int64_t samples_in_file(const std::string& path, const ReadOptions& options);

}  // namespace noiseutils
