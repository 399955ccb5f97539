#pragma once

#include <tiffio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace noiseutils {

/// libtiff's messages of this thread since the last clear: it prints nothing, and its errors become our exceptions.
struct TiffMessages {
  std::string error;    ///< the first error
  std::string warning;  ///< the first warning
  void clear() {
    error.clear();
    warning.clear();
  }
};
TiffMessages& tiff_messages();

/// The bytes of a file in memory, or a descriptor to write to, as libtiff's callbacks want them.
struct TiffStorage {
  std::span<const std::byte> bytes;
  std::uint64_t position = 0;
  int descriptor = -1;
  int failed_with = 0;  ///< errno of a write
};

using TiffHandle = std::unique_ptr<TIFF, void (*)(TIFF*)>;

/// Throw DataError with libtiff's own words. `storage` must outlive the handle.
TiffHandle open_tiff_memory(TiffStorage& storage);
/// `big`: BigTIFF, for files above 4 GiB.
TiffHandle create_tiff(TiffStorage& storage, bool big);

/// Throws DataError "damaged TIFF: ..." with libtiff's first error, or `otherwise`.
[[noreturn]] void throw_tiff_error(const std::string& otherwise);

}  // namespace noiseutils
