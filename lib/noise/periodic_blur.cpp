#include "noise/periodic_blur.hpp"

#include <algorithm>
#include <cmath>
#include <complex>

#include "linalg/fft.hpp"
#include "noise/plane_operator.hpp"

namespace noiseutils {
namespace {

using Complex = std::complex<double>;
constexpr double kLost = 1e-6;

std::int64_t wrapped(std::int64_t i, std::int64_t n) { return (i % n + n) % n; }

class PeriodicBlur : public PlaneOperator {
 public:
  PeriodicBlur(const SampleLayout& sample, const BlurKernel& kernel)
      : PlaneOperator(sample, sample),
        fft_(image().height, image().width, FftBackend::portable),
        transfer_(static_cast<std::size_t>(fft_.height() * fft_.half_width())) {
    std::vector<double> plane(static_cast<std::size_t>(image().pixels()), 0);
    for (std::int64_t y = 0; y < kernel.height; ++y)
      for (std::int64_t x = 0; x < kernel.width; ++x) {
        const std::int64_t row = wrapped(y - kernel.centre_row, image().height);
        const std::int64_t column = wrapped(x - kernel.centre_column, image().width);
        plane[static_cast<std::size_t>(row * image().width + column)] +=
            kernel.values[static_cast<std::size_t>(y * kernel.width + x)];
      }
    fft_.forward(plane.data(), transfer_.data());
    for (const Complex& value : transfer_) norm_ = std::max(norm_, std::abs(value));
    for (const Complex& value : transfer_)
      inverse_.push_back(std::abs(value) > kLost * norm_ ? 1.0 / value : Complex(0));
  }
  double norm() const override { return norm_; }
  bool has_pseudo_inverse() const override { return true; }

 protected:
  void apply_plane(const double* x, double* y) const override { filter(x, transfer_, false, y); }
  void adjoint_plane(const double* y, double* x) const override { filter(y, transfer_, true, x); }
  void pseudo_inverse_plane(const double* y, double* x) const override { filter(y, inverse_, false, x); }

 private:
  void filter(const double* from, const std::vector<Complex>& gain, bool conjugate, double* to) const {
    std::vector<Complex> spectrum(gain.size());
    fft_.forward(from, spectrum.data());
    for (std::size_t i = 0; i < gain.size(); ++i) spectrum[i] *= conjugate ? std::conj(gain[i]) : gain[i];
    fft_.inverse(spectrum.data(), to);
  }

  RealFft2<double> fft_;
  std::vector<Complex> transfer_, inverse_;
  double norm_ = 0;
};

}  // namespace

std::shared_ptr<const Operator> periodic_blur(const SampleLayout& sample, const BlurKernel& kernel) {
  return std::make_shared<PeriodicBlur>(sample, kernel);
}

}  // namespace noiseutils
