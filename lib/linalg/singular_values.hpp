#pragma once

#include <cstdint>

namespace noiseutils {

/// The min(m, n) singular values, falling, of the m x n matrix in `a` (column-major), which is destroyed: LAPACK's
/// gesdd where the build has it, else Eigen's BDCSVD; on one thread. Error: some eps of the largest.
/// Throws DataError for m or n > 32,000, InternalError if it does not converge.
void singular_values(std::int64_t m, std::int64_t n, double* a, double* values);

}  // namespace noiseutils
