#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace noiseutils {

/// How files and streams are read; the same words in every program.
struct ReadOptions {
  std::string axes;  ///< --axes: overrides the axis letters of formats that carry none
  int bits = 0;      ///< --bits: integer images hold this many significant bits (packed 12-bit sensors); 0: the file's
  bool raw = false;  ///< --raw: integer images stay counts, undivided
  std::optional<double> scale;  ///< --scale: multiply all values of NPY and integer or float images by this instead
  bool drop_alpha = false;      ///< --drop-alpha: ignore an alpha channel instead of refusing it
  bool stack_pages = false;     ///< --stack: the pages of a multi-page file are one sample with a leading T axis
  std::size_t max_header = std::size_t{16} << 20;  ///< --max-header: bytes of a record's JSON header
  bool allow_nonfinite = false;                    ///< --allow-nonfinite
};

/// How files are written.
struct WriteOptions {
  int depth = 0;                  ///< --depth 8|16 bits of integer images; 0: as the source came
  std::int64_t first_number = 0;  ///< --first-index: the number of the first sample in %d names
  bool resumable = false;         ///< the program knows --resume: a signal leaves FILE.partial behind
  bool resume = false;            ///< --resume: go on from FILE.partial after its last whole record
};

}  // namespace noiseutils
