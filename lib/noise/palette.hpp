#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace noiseutils {

/// A random law of colours: the histograms of an image of stripes along its principal axes of colour.
struct Palette {
  std::int64_t colours, blur;                      ///< number of stripes' colours; side of the box in pixels
  std::array<double, 3> mean;                      ///< red, green, blue
  std::array<std::array<double, 3>, 3> axes;       ///< orthonormal, that of most variance first
  std::array<std::vector<double>, 3> coordinates;  ///< of the pixels along each axis, rising
};

/// The palette of sample i: 3 to 22 uniform colours; every pixel draws one of them with probabilities ~ 0.001 + U; the
/// pixels, sorted by colour, fill an image of values 0 to 256 row by row; a box of 1 to 10 pixels' side blurs it, black
/// beyond the border; uniform noise from 0 to 10 is added; all is stretched to [0, 256].
/// Source: Baradad et al., "Learning to see by looking at noise", NeurIPS 2021, and its program.
Palette draw_palette(std::int64_t height, std::int64_t width, std::uint64_t seed, std::uint64_t sample);

/// Turns three planes of coordinates along the axes into red, green and blue: mean + sum_i axis_i coordinate_i.
void colour_of_coordinates(const Palette& palette, std::span<double> image);

}  // namespace noiseutils
