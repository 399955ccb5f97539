#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "noise/operator.hpp"

namespace noiseutils {

/// A point spread function: height x width values, of which (row, column) belongs to the displacement (row -
/// centre_row, column - centre_column).
struct BlurKernel {
  std::int64_t height = 1, width = 1;
  std::int64_t centre_row = 0, centre_column = 0;
  std::vector<double> values;
};

/// Circular convolution of each plane: y(p) = sum_q kernel(q) x(p - q), with the image repeated periodically. A kernel
/// larger than the image wraps around it.
/// With H the discrete Fourier transform of the wrapped kernel, A = F^H diag(H) F: norm max |H|; A^+ divides by H where
/// |H| > 1e-6 max |H| and gives 0 elsewhere: fainter frequencies count as lost.
/// Throws DataError if the sample is no image.
std::shared_ptr<const Operator> periodic_blur(const SampleLayout& sample, const BlurKernel& kernel);

}  // namespace noiseutils
