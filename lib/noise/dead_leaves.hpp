#pragma once

#include <cstdint>

#include "tensor/tensor.hpp"

namespace noiseutils {

/// Leaves lie within the circle of the radius drawn: the disc itself, or a convex polygon with its corners on it.
enum class LeafShape { circle, square, oriented_square, rectangle, triangle, quadrilateral, mixed };

struct DeadLeaves {
  std::int64_t height = 256, width = 256;
  double smallest_radius = 1;  ///< pixels
  double largest_radius = 40;  ///< pixels
  double exponent = 3;         ///< radius density ~ r^-exponent
  LeafShape shape = LeafShape::circle;
  bool colour = false;  ///< three channels of independent uniform values
};

/// One dead-leaves image, F32 [height, width] or [3, height, width], values in (0, 1): leaves with radius density
/// ~ r^-exponent on [smallest, largest], centres uniform on the frame dilated by the largest radius, each of one
/// uniform grey or colour, every new one *behind* those before it, until no pixel is left: an exact sample of the
/// stationary law. The correlation of two pixels at distance t is
///   rho(t) = B(t) / (2 B(0) - B(t)),   B(t) = E |D intersected with D + t|,  D the leaf.
/// Source: Bordenave, Gousseau, Roueff, "The dead leaves model", Adv. Appl. Prob. 2006; Lee, Mumford, Huang, IJCV 2001.
Tensor draw_dead_leaves(const DeadLeaves& law, std::uint64_t seed, std::uint64_t sample);

}  // namespace noiseutils
