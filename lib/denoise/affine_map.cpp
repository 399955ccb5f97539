#include "denoise/affine_map.hpp"

namespace noiseutils {

AffineMap affine_map(const VectorMap& map) {
  const auto d = static_cast<std::size_t>(map.dim());
  std::vector<double> units((d + 1) * d, 0.0);
  for (std::size_t j = 0; j < d; ++j) units[(j + 1) * d + j] = 1;
  map.apply(std::span<const double>(units), std::span<double>(units));

  AffineMap result{map.dim(), std::vector<double>(d * d),
                   std::vector<double>(units.begin(), units.begin() + map.dim())};
  for (std::size_t j = 0; j < d; ++j)
    for (std::size_t i = 0; i < d; ++i) result.weights[i * d + j] = units[(j + 1) * d + i] - result.offset[i];
  return result;
}

}  // namespace noiseutils
