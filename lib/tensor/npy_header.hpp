#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// What stands before the data of an NPY file.
struct NpyHeader {
  DType dtype;
  bool swapped;  ///< the data's byte order is not this machine's
  bool fortran_order;
  Shape shape;
  std::size_t data_offset;
};

/// Reads magic, version 1 to 3 and the header's dictionary. Throws DataError on anything that is not one array of
/// booleans, integers or floats of 1 to 8 bytes; Python objects, structures, complex numbers and texts by name.
/// Source: the NEP 1 page of NumPy's documentation.
NpyHeader parse_npy_header(std::span<const std::byte> file);

/// The bytes before the data of a version 1 file in C order and this machine's byte order, `size` in all (a multiple of
/// 64); `size` 0: as many as are needed. Throws DataError for BF16, which NumPy has not.
std::string npy_header_text(DType dtype, const Shape& shape, std::size_t size);

}  // namespace noiseutils
