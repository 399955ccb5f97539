#pragma once

#include <cstdint>
#include <vector>

#include "model/model.hpp"

namespace noiseutils {

/// x = W y + b with all its numbers.
struct AffineMap {
  std::int64_t dim = 0;
  std::vector<double> weights;  ///< W, row-major: weights[out * dim + in]
  std::vector<double> offset;   ///< b

  double weight(std::int64_t out, std::int64_t in) const { return weights[static_cast<std::size_t>(out * dim + in)]; }
};

/// The numbers of a map that is affine: b = f(0), W e_j = f(e_j) - f(0).
AffineMap affine_map(const VectorMap& map);

}  // namespace noiseutils
