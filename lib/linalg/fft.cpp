#include "linalg/fft.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <mutex>
#include <optional>
#include <type_traits>
#include <vector>

#include "linalg/complex_fft.hpp"

#ifdef NOISEUTILS_FFTW
#include <fftw3.h>
#endif

namespace noiseutils {
namespace {

#ifdef NOISEUTILS_FFTW
std::mutex planner;  // FFTW plans one at a time; plans run side by side

template <class T>
struct Fftw;
template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  using Complex = fftwf_complex;
  static constexpr auto plan_forward = fftwf_plan_dft_r2c_2d;
  static constexpr auto plan_inverse = fftwf_plan_dft_c2r_2d;
  static constexpr auto forward = fftwf_execute_dft_r2c;
  static constexpr auto inverse = fftwf_execute_dft_c2r;
  static constexpr auto destroy = fftwf_destroy_plan;
};
template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  using Complex = fftw_complex;
  static constexpr auto plan_forward = fftw_plan_dft_r2c_2d;
  static constexpr auto plan_inverse = fftw_plan_dft_c2r_2d;
  static constexpr auto forward = fftw_execute_dft_r2c;
  static constexpr auto inverse = fftw_execute_dft_c2r;
  static constexpr auto destroy = fftw_destroy_plan;
};

/// Buffers of one thread. Always the same alignment: FFTW chooses its kernels, and so the last bits, by it.
template <class T>
struct Scratch {
  Eigen::Matrix<T, Eigen::Dynamic, 1> image;
  Eigen::Matrix<std::complex<T>, Eigen::Dynamic, 1> spectrum;
};
#endif

/// The portable backend: two rows at a time as real and imaginary part of one, then all columns side by side.
template <class T>
class OwnFft2 {
 public:
  OwnFft2(std::int64_t height, std::int64_t width)
      : height_(height),
        width_(width),
        rows_(width, Direction::forward),
        rows_back_(width, Direction::backward),
        columns_(height, Direction::forward),
        columns_back_(height, Direction::backward) {}

  void forward(const T* image, std::complex<T>* spectrum) const {
    std::vector<std::complex<T>> pair(static_cast<std::size_t>(width_)), work(pair.size());
    for (std::int64_t y = 0; y < height_; y += 2) {
      const bool two = y + 1 < height_;
      const T *a = image + y * width_, *b = two ? a + width_ : nullptr;
      for (std::int64_t x = 0; x < width_; ++x) pair[static_cast<std::size_t>(x)] = {a[x], two ? b[x] : T(0)};
      rows_.transform(pair.data(), work.data(), 1);
      std::complex<T>* out = spectrum + y * half();
      for (std::int64_t k = 0; k < half(); ++k) {
        const std::complex<T> z = pair[static_cast<std::size_t>(k)];
        const std::complex<T> mirror = std::conj(pair[static_cast<std::size_t>(k == 0 ? 0 : width_ - k)]);
        const std::complex<T> sum = z + mirror, difference = z - mirror;
        out[k] = T(0.5) * sum;
        if (two) out[half() + k] = {T(0.5) * difference.imag(), T(-0.5) * difference.real()};
      }
    }
    work.resize(static_cast<std::size_t>(height_ * half()));
    columns_.transform(spectrum, work.data(), half());
  }

  void inverse(const std::complex<T>* spectrum, T* image) const {
    std::vector<std::complex<T>> copy(spectrum, spectrum + height_ * half()), work(copy.size());
    columns_back_.transform(copy.data(), work.data(), half());
    std::vector<std::complex<T>> pair(static_cast<std::size_t>(width_));
    work.resize(std::max(work.size(), pair.size()));
    const T scale = T(1) / static_cast<T>(height_ * width_);
    for (std::int64_t y = 0; y < height_; y += 2) {
      const bool two = y + 1 < height_;
      const std::complex<T>* in = copy.data() + y * half();
      for (std::int64_t k = 0; k < half(); ++k) {
        std::complex<T> a = in[k], b = two ? in[half() + k] : 0;
        const bool own_mirror = k == 0 || 2 * k == width_;
        if (own_mirror) a.imag(0), b.imag(0);
        pair[static_cast<std::size_t>(k)] = {a.real() - b.imag(), a.imag() + b.real()};
        if (!own_mirror) pair[static_cast<std::size_t>(width_ - k)] = {a.real() + b.imag(), b.real() - a.imag()};
      }
      rows_back_.transform(pair.data(), work.data(), 1);
      for (std::int64_t x = 0; x < width_; ++x) {
        const std::complex<T> z = scale * pair[static_cast<std::size_t>(x)];
        image[y * width_ + x] = z.real();
        if (two) image[(y + 1) * width_ + x] = z.imag();
      }
    }
  }

 private:
  using Direction = typename ComplexFft<T>::Direction;
  std::int64_t half() const { return width_ / 2 + 1; }
  std::int64_t height_, width_;
  ComplexFft<T> rows_, rows_back_, columns_, columns_back_;
};

}  // namespace

template <class T>
struct RealFft2<T>::Plan {
  Plan(std::int64_t height, std::int64_t width, FftBackend backend) : height_(height), width_(width) {
#ifdef NOISEUTILS_FFTW
    if (backend == FftBackend::fastest) {
      Scratch<T>& own = scratch();
      const std::lock_guard lock(planner);
      const int h = static_cast<int>(height), w = static_cast<int>(width);
      auto* complex = reinterpret_cast<typename Fftw<T>::Complex*>(own.spectrum.data());
      forward_ = Fftw<T>::plan_forward(h, w, own.image.data(), complex, FFTW_ESTIMATE);
      inverse_ = Fftw<T>::plan_inverse(h, w, complex, own.image.data(), FFTW_ESTIMATE);
      return;
    }
#else
    static_cast<void>(backend);
#endif
    own_.emplace(height, width);
  }
  ~Plan() {
#ifdef NOISEUTILS_FFTW
    const std::lock_guard lock(planner);
    if (forward_ != nullptr) Fftw<T>::destroy(forward_);
    if (inverse_ != nullptr) Fftw<T>::destroy(inverse_);
#endif
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  std::int64_t half() const { return width_ / 2 + 1; }

  void forward(const T* image, std::complex<T>* spectrum) const {
#ifdef NOISEUTILS_FFTW
    if (forward_ != nullptr) {
      Scratch<T>& own = scratch();
      std::copy_n(image, height_ * width_, own.image.data());
      Fftw<T>::forward(forward_, own.image.data(), reinterpret_cast<typename Fftw<T>::Complex*>(own.spectrum.data()));
      std::copy_n(own.spectrum.data(), height_ * half(), spectrum);
      return;
    }
#endif
    own_->forward(image, spectrum);
  }

  void inverse(const std::complex<T>* spectrum, T* image) const {
#ifdef NOISEUTILS_FFTW
    if (inverse_ != nullptr) {
      const T scale = T(1) / static_cast<T>(height_ * width_);
      Scratch<T>& own = scratch();
      std::copy_n(spectrum, height_ * half(), own.spectrum.data());
      Fftw<T>::inverse(inverse_, reinterpret_cast<typename Fftw<T>::Complex*>(own.spectrum.data()), own.image.data());
      std::transform(own.image.data(), own.image.data() + height_ * width_, image, [&](T v) { return v * scale; });
      return;
    }
#endif
    own_->inverse(spectrum, image);
  }

 private:
  std::int64_t height_, width_;
  std::optional<OwnFft2<T>> own_;
#ifdef NOISEUTILS_FFTW
  Scratch<T>& scratch() const {
    thread_local Scratch<T> own;
    if (own.image.size() < height_ * width_) own.image.resize(height_ * width_);
    if (own.spectrum.size() < height_ * half()) own.spectrum.resize(height_ * half());
    return own;
  }
  typename Fftw<T>::Plan forward_ = nullptr, inverse_ = nullptr;
#endif
};

template <class T>
RealFft2<T>::RealFft2(std::int64_t height, std::int64_t width, FftBackend backend)
    : height_(height), width_(width), plan_(std::make_unique<Plan>(height, width, backend)) {}
template <class T>
RealFft2<T>::~RealFft2() = default;
template <class T>
RealFft2<T>::RealFft2(RealFft2&&) noexcept = default;
template <class T>
RealFft2<T>& RealFft2<T>::operator=(RealFft2&&) noexcept = default;
template <class T>
void RealFft2<T>::forward(const T* image, std::complex<T>* spectrum) const {
  plan_->forward(image, spectrum);
}
template <class T>
void RealFft2<T>::inverse(const std::complex<T>* spectrum, T* image) const {
  plan_->inverse(spectrum, image);
}

template class RealFft2<float>;
template class RealFft2<double>;

}  // namespace noiseutils
