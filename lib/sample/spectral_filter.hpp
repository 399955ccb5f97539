#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "linalg/fft.hpp"
#include "model/stationary.hpp"

namespace noiseutils {

/// Real multipliers of the frequencies of images HW or CHW, or signals D.
template <class T>
class SpectralFilter {
 public:
  /// DataError for samples with other axes.
  SpectralFilter(const std::string& axes, const Shape& shape);

  const SpectralShape& shape() const { return shape_; }
  /// |k| of each frequency of the half spectrum, k the whole numbers of cycles across the image along both axes.
  std::vector<double> radii() const;

  struct Filtered {
    const std::vector<double>& multipliers;  ///< one a frequency
    std::span<const T> x;
  };
  /// out = sum_j F^-1 [m_j F x_j], of batches; out may be one of the x_j.
  void sum(std::span<T> out, std::initializer_list<Filtered> terms) const;

 private:
  SpectralShape shape_;
  RealFft2<T> fft_;
};

}  // namespace noiseutils
