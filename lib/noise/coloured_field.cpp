#include "noise/coloured_field.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "base/threads.hpp"
#include "linalg/fft.hpp"

namespace noiseutils {

void fill_by_kernel(const WhiteSource& white, const Tensor& kernel, std::int64_t height, std::int64_t width,
                    std::span<double> out) {
  const std::int64_t kh = kernel.rank() == 1 ? 1 : kernel.axis(0), kw = kernel.axis(kernel.rank() - 1);
  const auto k = kernel.values<double>();
  double squares = 0;
  for (const double v : k) squares += v * v;
  const double norm = 1 / std::sqrt(squares);
  const std::int64_t wide = width + kw - 1, tall = height + kh - 1;
  // Blocks of rows make the white rows above their last ones again: few, where a block is taller than the kernel.
  const std::int64_t rows = std::max<std::int64_t>(32, 2 * kh), blocks = (height + rows - 1) / rows;
  const std::int64_t planes = static_cast<std::int64_t>(out.size()) / (height * width);
  parallel_blocks(planes * blocks, [&](std::int64_t block) {
    const std::int64_t plane = block / blocks, top = block % blocks * rows, count = std::min(rows, height - top);
    std::vector<double> w(static_cast<std::size_t>((count + kh - 1) * wide));
    white(static_cast<std::uint64_t>((plane * tall + top) * wide), w);
    for (std::int64_t y = 0; y < count; ++y) {
      double* row = out.data() + (plane * height + top + y) * width;
      std::fill_n(row, width, 0.0);
      for (std::int64_t a = 0; a < kh; ++a)
        for (std::int64_t b = 0; b < kw; ++b) {
          const double factor = k[static_cast<std::size_t>(a * kw + b)] * norm;
          const double* from = w.data() + (y + a) * wide + b;
          for (std::int64_t x = 0; x < width; ++x) row[x] += factor * from[x];
        }
    }
  });
}

void fill_by_spectrum(const WhiteSource& white, const Tensor& spectrum, std::int64_t height, std::int64_t width,
                      std::span<double> out) {
  const RealFft2<double> fft(height, width, FftBackend::portable);
  const auto s = spectrum.values<double>();
  double mean = 0;
  for (const double v : s) mean += v;
  mean /= static_cast<double>(s.size());
  std::vector<double> gain(static_cast<std::size_t>(height * fft.half_width()));
  for (std::int64_t ky = 0; ky < height; ++ky)
    for (std::int64_t kx = 0; kx < fft.half_width(); ++kx) {
      const std::int64_t mirrored = (height - ky) % height * width + (width - kx) % width;
      const double power = s[static_cast<std::size_t>(ky * width + kx)] + s[static_cast<std::size_t>(mirrored)];
      gain[static_cast<std::size_t>(ky * fft.half_width() + kx)] = std::sqrt(0.5 * power / mean);
    }
  const std::int64_t size = height * width;
  parallel_blocks(static_cast<std::int64_t>(out.size()) / size, [&](std::int64_t plane) {
    const std::span<double> n = out.subspan(static_cast<std::size_t>(plane * size), static_cast<std::size_t>(size));
    white(static_cast<std::uint64_t>(plane * size), n);
    std::vector<std::complex<double>> transform(gain.size());
    fft.forward(n.data(), transform.data());
    for (std::size_t i = 0; i < gain.size(); ++i) transform[i] *= gain[i];
    fft.inverse(transform.data(), n.data());
  });
}

}  // namespace noiseutils
