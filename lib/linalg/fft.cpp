#include "linalg/fft.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <mutex>
#include <string>
#include <type_traits>
#include <unsupported/Eigen/FFT>
#include <vector>

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
    }
#else
    static_cast<void>(backend);
#endif
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
    Eigen::FFT<T> fft;  // holds twiddles and buffers, so one a call: calls may be concurrent
    fft.SetFlag(Eigen::FFT<T>::HalfSpectrum);
    fft.SetFlag(Eigen::FFT<T>::Unscaled);
    for (std::int64_t y = 0; y < height_; ++y)
      if (width_ == 1)
        spectrum[y] = image[y];
      else
        fft.fwd(spectrum + y * half(), image + y * width_, width_);
    columns(fft, spectrum, true);
  }

  void inverse(const std::complex<T>* spectrum, T* image) const {
    const T scale = T(1) / static_cast<T>(height_ * width_);
#ifdef NOISEUTILS_FFTW
    if (inverse_ != nullptr) {
      Scratch<T>& own = scratch();
      std::copy_n(spectrum, height_ * half(), own.spectrum.data());
      Fftw<T>::inverse(inverse_, reinterpret_cast<typename Fftw<T>::Complex*>(own.spectrum.data()), own.image.data());
      std::transform(own.image.data(), own.image.data() + height_ * width_, image, [&](T v) { return v * scale; });
      return;
    }
#endif
    Eigen::FFT<T> fft;
    fft.SetFlag(Eigen::FFT<T>::HalfSpectrum);
    fft.SetFlag(Eigen::FFT<T>::Unscaled);
    std::vector<std::complex<T>> copy(spectrum, spectrum + height_ * half());
    columns(fft, copy.data(), false);
    for (std::int64_t y = 0; y < height_; ++y)
      if (width_ == 1)
        image[y] = copy[static_cast<std::size_t>(y)].real();
      else
        fft.inv(image + y * width_, copy.data() + y * half(), width_);
    for (std::int64_t i = 0; i < height_ * width_; ++i) image[i] *= scale;
  }

 private:
  void columns(Eigen::FFT<T>& fft, std::complex<T>* spectrum, bool is_forward) const {
    if (height_ == 1) return;
    std::vector<std::complex<T>> in(static_cast<std::size_t>(height_)), out(in.size());
    for (std::int64_t x = 0; x < half(); ++x) {
      for (std::int64_t y = 0; y < height_; ++y) in[static_cast<std::size_t>(y)] = spectrum[y * half() + x];
      if (is_forward)
        fft.fwd(out.data(), in.data(), height_);
      else
        fft.inv(out.data(), in.data(), height_);
      for (std::int64_t y = 0; y < height_; ++y) spectrum[y * half() + x] = out[static_cast<std::size_t>(y)];
    }
  }

  std::int64_t height_, width_;
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

const char* fft_name() {
#ifdef NOISEUTILS_FFTW
  static const std::string name = [] {
    std::string text = fftw_version;  // "fftw-3.3.10-sse2-avx-..."
    text = text.substr(0, text.find('-', 5));
    std::replace(text.begin(), text.end(), '-', ' ');
    return text;
  }();
#else
  static const std::string name = "eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." +
                                  std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION);
#endif
  return name.c_str();
}

}  // namespace noiseutils
