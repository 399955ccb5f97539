#pragma once

#include <cstdint>

namespace noiseutils {

/// out_i = A in_i for `count` vectors one after the other: in has `cols` values a vector, out `rows`.
/// A is row-major rows x cols; with `transposed` A^T is, row-major cols x rows.
/// Parallel over fixed tiles. A vector's result does not depend on how many others come with it, nor on its place among
/// them: a batch and its split give the same bits. in and out must not overlap.
template <class T>
void batch_product(bool transposed, std::int64_t rows, std::int64_t cols, const T* a, std::int64_t count, const T* in,
                   T* out);

}  // namespace noiseutils
