#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "linalg/fft.hpp"

namespace noiseutils {

/// The steerable pyramid of periodic real images, by windows g_b in the Fourier domain that form a tight frame,
///   sum_b g_b(f)^2 = 1,   band_b = 2^-l F_l^-1 (i^m g_b F image),   image = F^-1 sum_b 2^l (-i)^m g_b F_l band_b,
/// so that the bands have together the energy of the image. With rho = 2 |f|, f in cycles a pixel, and theta its angle:
///   low(rho) = 1 up to 1/2, cos(pi/2 log2(2 rho)) up to 1, 0 beyond,   high^2 = 1 - low^2;
///   first band: high(rho);   last band: low(2^S rho);   at scale l = 0 ... S-1, orientation k = 0 ... K-1
///   low(2^l rho) high(2^(l+1) rho) c cos^(K-1)(theta - pi k / K),   c^2 = 4^(K-1) (K-1)!^2 / (K (2K-2)!).
/// A band of scale l is height / 2^l x width / 2^l: its window ends before that grid's highest frequency. m is 1 for
/// even K, whose windows are odd, else 0.
/// Source: Simoncelli, Freeman, "The steerable pyramid", ICIP 1995; Portilla, Simoncelli, IJCV 2000, section 2.1.
class SteerablePyramid {
 public:
  struct Band {
    std::int64_t level, height, width;
    bool odd;                  ///< the window is odd: g(-f) = -g(f)
    std::vector<double> gain;  ///< height x (width / 2 + 1), in FFT order
  };

  /// height and width: multiples of 2^scales.
  SteerablePyramid(std::int64_t height, std::int64_t width, std::int64_t orientations, std::int64_t scales);

  const std::vector<Band>& bands() const { return bands_; }
  /// The values of every band, row-major, of an image of height x width values. Bands are shared among the threads.
  std::vector<std::vector<double>> analyse(std::span<const double> image) const;
  /// The image whose bands these are; of other values, the image nearest to them.
  void synthesise(const std::vector<std::vector<double>>& values, std::span<double> image) const;

 private:
  std::size_t place(const Band& band, std::int64_t row) const;

  std::vector<RealFft2<double>> transforms_;  // of each level
  std::vector<Band> bands_;
};

}  // namespace noiseutils
