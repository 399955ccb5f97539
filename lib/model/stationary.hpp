#pragma once

#include <span>

#include "model/linear_model.hpp"

namespace noiseutils {

/// A Gaussian law of images HW or CHW (or signals D, as images of one row) that is periodic and stationary: constant
/// mean a channel, and at each frequency f independent Fourier coefficients with C x C covariance
///   E x^(f) x^(f)^H = V(f) diag(P(f)) V(f)^H,  x^(f) = (H W)^(-1/2) sum_p x(p) exp(-2 pi i f.p)
/// Its basis is the orthonormal real Fourier basis, so D is the Wiener filter P / (P + sigma^2) at each frequency.
/// level: C values. power: H x (W/2+1) x C, >= 0. mixing: H x (W/2+1) x C x C x 2 (real, imaginary part), column m of
/// V(f) belongs to power m; empty for C = 1. Of frequency pairs +-f that both stand in the half spectrum, the first
/// counts.
std::unique_ptr<LinearModel> stationary_model(ModelInfo info, std::vector<double> level, std::vector<double> power,
                                              std::vector<double> mixing);

/// The same from the tensors "mean" [C], "power" [H,W/2+1,C] and, where C > 1, "mixing" [H,W/2+1,C,C,2].
std::unique_ptr<Model> stationary_from_tensors(ModelInfo info, const Record& record);

/// Channels, height and width of samples with these axes and shape; DataError unless the axes are D, HW or CHW.
struct SpectralShape {
  std::int64_t channels = 1, height = 1, width = 1;
  std::int64_t half_width() const { return width / 2 + 1; }
  std::int64_t pixels() const { return height * width; }
  std::int64_t frequencies() const { return height * half_width(); }
  /// The frequency -f of f = (ky, kx) if it too stands in the half spectrum (f itself where f = -f), else -1.
  std::int64_t mirrored(std::int64_t frequency) const;
};
SpectralShape spectral_shape(const std::string& axes, const Shape& shape);

/// A figure that each frequency of the half spectrum has, for each coefficient of stationary models of this shape, in
/// the order of their eigenvalues().
std::vector<double> by_coefficient(const SpectralShape& shape, std::span<const double> values);

}  // namespace noiseutils
