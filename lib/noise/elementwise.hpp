#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "noise/noise.hpp"

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

/// An elementwise law that is drawn in double whatever the data's type.
class DoubleNoise : public Noise {
 public:
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const float> x, std::span<float> y) const final {
    draw_in_pieces(key, first, x, y);
  }
  void draw(const NoiseKey& key, std::uint64_t first, std::span<const double> x, std::span<double> y) const final {
    draw_in_pieces(key, first, x, y);
  }

 protected:
  static constexpr std::size_t kPiece = 512;
  /// draw() of at most kPiece elements; x and y are different memory.
  virtual void draw_piece(const NoiseKey& key, std::uint64_t first, std::span<const double> x,
                          std::span<double> y) const = 0;

 private:
  template <class Real>
  void draw_in_pieces(const NoiseKey& key, std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    draw_in_double(first, x, y, [&](std::uint64_t e, std::span<const double> clean, std::span<double> noisy) {
      draw_piece(key, e, clean, noisy);
    });
  }
};

/// y_e = x_e + noise(e), for a function of the element alone.
template <class Function>
class AdditiveDraw : public NoiseDraw {
 public:
  explicit AdditiveDraw(Function noise) : noise_(std::move(noise)) {}
  void draw(std::uint64_t first, std::span<const float> x, std::span<float> y) const override { add(first, x, y); }
  void draw(std::uint64_t first, std::span<const double> x, std::span<double> y) const override { add(first, x, y); }

 private:
  template <class Real>
  void add(std::uint64_t first, std::span<const Real> x, std::span<Real> y) const {
    for (std::size_t i = 0; i < x.size(); ++i)
      y[i] = static_cast<Real>(static_cast<double>(x[i]) + noise_(static_cast<std::size_t>(first) + i));
  }
  Function noise_;
};

}  // namespace noiseutils
