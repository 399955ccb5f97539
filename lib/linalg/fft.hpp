#pragma once

#include <complex>
#include <cstdint>
#include <memory>

namespace noiseutils {

/// Which code transforms. `portable` is our own, of the same bits on every processor; `fastest` is FFTW where the build
/// has it.
enum class FftBackend { fastest, portable };

/// The two-dimensional Fourier transform of real height x width arrays (row-major). Its half spectrum has height x
/// (width / 2 + 1) complex values, frequency (ky, kx) at ky * half_width() + kx. May be used from several threads.
template <class T>
class RealFft2 {
 public:
  RealFft2(std::int64_t height, std::int64_t width, FftBackend backend = FftBackend::fastest);
  ~RealFft2();
  RealFft2(RealFft2&&) noexcept;
  RealFft2& operator=(RealFft2&&) noexcept;

  std::int64_t height() const { return height_; }
  std::int64_t width() const { return width_; }
  std::int64_t half_width() const { return width_ / 2 + 1; }

  /// X(ky, kx) = sum_{y,x} image(y, x) exp(-2 pi i (ky y / height + kx x / width))
  void forward(const T* image, std::complex<T>* spectrum) const;
  /// The inverse of forward, 1 / (height width) included. Of values that a real image would repeat as conjugates, only
  /// the Hermitian part counts.
  void inverse(const std::complex<T>* spectrum, T* image) const;

 private:
  struct Plan;
  std::int64_t height_, width_;
  std::unique_ptr<Plan> plan_;
};

}  // namespace noiseutils
