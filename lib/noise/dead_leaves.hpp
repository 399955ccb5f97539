#pragma once

#include <cstdint>

#include "tensor/tensor.hpp"

namespace noiseutils {

struct DeadLeaves {
  std::int64_t height = 256, width = 256;
  double smallest_radius = 1;  ///< pixels
  double largest_radius = 40;  ///< pixels
};

/// One dead-leaves image, F32 [height, width], values in (0, 1): discs with radius density ~ r^-3 on [smallest,
/// largest], centres uniform on the frame dilated by the largest radius, each of one uniform grey, every new one
/// *behind* those before it, until no pixel is left: an exact sample of the stationary law. The correlation of two
/// pixels at distance t is
///   rho(t) = B(t) / (2 B(0) - B(t)),   B(t) = E |D intersected with D + t|.
/// Source: Bordenave, Gousseau, Roueff, "The dead leaves model", Adv. Appl. Prob. 2006; Lee, Mumford, Huang, IJCV 2001.
Tensor draw_dead_leaves(const DeadLeaves& law, std::uint64_t seed, std::uint64_t sample);

}  // namespace noiseutils
