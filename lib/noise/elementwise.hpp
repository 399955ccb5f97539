#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace noiseutils {

/// Runs draw(first_element, x, y) over pieces that fit the first-level cache, all in double: for laws whose draws are
/// made in double whatever the data's type, so that float and double data get the same noise up to rounding.
template <class Real, class Draw>
void draw_in_double(std::uint64_t first, std::span<const Real> x, std::span<Real> y, Draw&& draw) {
  constexpr std::size_t kPiece = 512;
  std::array<double, kPiece> clean, noisy;
  for (std::size_t begin = 0; begin < x.size(); begin += kPiece) {
    const std::size_t n = std::min(kPiece, x.size() - begin);
    for (std::size_t i = 0; i < n; ++i) clean[i] = static_cast<double>(x[begin + i]);
    draw(first + begin, std::span<const double>(clean.data(), n), std::span<double>(noisy.data(), n));
    for (std::size_t i = 0; i < n; ++i) y[begin + i] = static_cast<Real>(noisy[i]);
  }
}

}  // namespace noiseutils
