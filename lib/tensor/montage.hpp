#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensor/reader.hpp"
#include "tensor/record.hpp"

namespace noiseutils {

struct MontageLayout {
  std::int64_t columns = 0;  ///< tiles in a row; 0: near a square
  std::int64_t gap = 4;      ///< pixels between tiles
  double background = 1;     ///< value of gaps and padding
};

/// Places grey (HW) and colour (CHW) images on one canvas, row by row, each in a cell of the largest height and width,
/// in the middle. Values are taken as they are. One image in colour makes the canvas colour. Returns a record of `data`
/// F32, HW or CHW. Throws DataError for other axes.
Record montage(const std::vector<Record>& tiles, const MontageLayout& layout);

/// One tile for each of the named tensors of every sample that is read, sample by sample. DataError if a sample lacks
/// one.
std::vector<Record> collect_tiles(RecordReader& reader, const std::vector<std::string>& names);

}  // namespace noiseutils
