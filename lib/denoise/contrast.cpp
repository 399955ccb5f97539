#include "denoise/contrast.hpp"

#include <algorithm>
#include <cmath>

namespace noiseutils {

double contrast(const FloatPlane& noisy) {
  double sum = 0, squares = 0;
  for (const float value : noisy.values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const auto n = static_cast<double>(noisy.values.size());
  return std::sqrt(std::max(0.0, squares / n - sum / n * (sum / n) - 1));
}

}  // namespace noiseutils
