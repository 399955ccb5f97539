#pragma once

#include <cstdint>
#include <vector>

#include "tensor/image_values.hpp"
#include "tensor/tiff_file.hpp"

namespace noiseutils {

/// How one page of a TIFF file stores its pixels, checked against what we read and against the size of the file.
struct TiffPage {
  std::int64_t width = 0, height = 0;
  std::int64_t stored = 1;             ///< samples a pixel in the file
  std::vector<std::int64_t> channels;  ///< those of them that are channels of the image, alpha left out
  int bits = 8;                        ///< a sample
  bool is_float = false, is_signed = false;
  bool planar = false;    ///< one plane after the other
  bool inverted = false;  ///< 0 is white
  bool has_palette = false;
  int palette_bits = 16;
  std::vector<std::uint16_t> palette;  ///< 2^bits entries of red, then green, then blue
  std::uint16_t compression = COMPRESSION_NONE;

  /// The dtype of `data`.
  DType dtype() const;
  /// Channels of the record.
  std::int64_t record_channels() const { return has_palette ? 3 : static_cast<std::int64_t>(channels.size()); }
};

/// The current page of `tiff`. Throws DataError on kinds of pixels that are not supported, by name.
TiffPage describe_page(TIFF* tiff, std::size_t file_size, const ReadOptions& options);

/// Decodes the current page into `values`, planar, of page.dtype().
void read_page(TIFF* tiff, const TiffPage& page, const ReadOptions& options, Tensor& values);

/// The `source` of a page.
ImageSource source_of_page(const TiffPage& page, const ReadOptions& options);

}  // namespace noiseutils
