#include "sample/spectral_filter.hpp"

#include <cmath>
#include <complex>

#include "base/threads.hpp"

namespace noiseutils {

template <class T>
SpectralFilter<T>::SpectralFilter(const std::string& axes, const Shape& shape)
    : shape_(spectral_shape(axes, shape)), fft_(shape_.height, shape_.width) {}

template <class T>
std::vector<double> SpectralFilter<T>::radii() const {
  std::vector<double> radii;
  for (std::int64_t y = 0; y < shape_.height; ++y)
    for (std::int64_t x = 0; x < shape_.half_width(); ++x)
      radii.push_back(std::hypot(static_cast<double>(std::min(y, shape_.height - y)), static_cast<double>(x)));
  return radii;
}

template <class T>
void SpectralFilter<T>::sum(std::span<T> out, std::initializer_list<Filtered> terms) const {
  const auto pixels = static_cast<std::size_t>(shape_.pixels());
  const auto frequencies = static_cast<std::size_t>(shape_.frequencies());
  parallel_blocks(static_cast<std::int64_t>(out.size() / pixels), [&](std::int64_t plane) {
    const std::size_t begin = static_cast<std::size_t>(plane) * pixels;
    std::vector<std::complex<T>> spectrum(frequencies), total(frequencies);
    for (const Filtered& term : terms) {
      fft_.forward(term.x.data() + begin, spectrum.data());
      for (std::size_t f = 0; f < frequencies; ++f) total[f] += static_cast<T>(term.multipliers[f]) * spectrum[f];
    }
    fft_.inverse(total.data(), out.data() + begin);
  });
}

template class SpectralFilter<float>;
template class SpectralFilter<double>;

}  // namespace noiseutils
