#include "noise/noise_field.hpp"

#include <algorithm>
#include <complex>

#include "linalg/fft.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The file that scales the noise from place to place, and its name; nullptr if there is none.
const Tensor* map_of(const KnownNoise& noise, std::size_t layer) {
  const Tensor* map = noise.file("sigma-map", layer);
  return map != nullptr ? map : noise.file("map", layer);
}

/// |K|^2 / |k|^2 of the kernel, laid on the torus.
std::vector<double> kernel_spectrum(const Tensor& kernel, const RealFft2<double>& fft) {
  const std::int64_t h = kernel.rank() == 1 ? 1 : kernel.axis(0), w = kernel.axis(kernel.rank() - 1);
  std::vector<double> plane(index(fft.height() * fft.width()));
  const auto k = kernel.values<double>();
  double squares = 0;
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x) {
      const double value = k[index(y * w + x)];
      squares += value * value;
      plane[index(y % fft.height() * fft.width() + x % fft.width())] += value;
    }
  std::vector<std::complex<double>> transform(index(fft.height() * fft.half_width()));
  fft.forward(plane.data(), transform.data());
  std::vector<double> spectrum;
  for (const auto& value : transform) spectrum.push_back(std::norm(value) / squares);
  return spectrum;
}

/// The symmetric part of a density given on the whole plane (or a row of it), of mean 1.
std::vector<double> scaled_density(const Tensor& density, std::int64_t height, std::int64_t width) {
  const auto s = density.values<double>();
  double mean = 0;
  for (const double value : s) mean += value / static_cast<double>(s.size());
  std::vector<double> spectrum;
  for (std::int64_t ky = 0; ky < height; ++ky)
    for (std::int64_t kx = 0; kx <= width / 2; ++kx) {
      const std::int64_t mirrored = (height - ky) % height * width + (width - kx) % width;
      spectrum.push_back((s[index(ky * width + kx)] + s[index(mirrored)]) / (2 * mean));
    }
  return spectrum;
}

}  // namespace

std::vector<double> element_variances(const KnownNoise& noise, std::int64_t size) {
  bool differs = false;
  for (const auto& law : noise.laws)
    differs = differs || law->maps().contains("sigma-map") || law->maps().contains("map");
  if (!differs) return {};
  std::vector<double> variances(index(size));
  for (std::size_t layer = 0; layer < noise.laws.size(); ++layer) {
    const VarianceLaw law = noise.laws[layer]->mean_variance();
    if (law.linear != 0 || law.quadratic != 0) return {};
    const Tensor* map = map_of(noise, layer);
    if (map == nullptr) {
      for (double& v : variances) v += law.constant;
      continue;
    }
    const auto m = map->values<double>();
    double squares = 0;
    for (const double value : m) squares += value * value;
    if (squares == 0) continue;
    const double scale = law.constant * static_cast<double>(m.size()) / squares;
    for (std::size_t e = 0; e < variances.size(); ++e) variances[e] += scale * m[e % m.size()] * m[e % m.size()];
  }
  return variances;
}

std::optional<std::vector<double>> noise_spectrum(const KnownNoise& noise, std::int64_t height, std::int64_t width) {
  const RealFft2<double> fft(height, width, FftBackend::portable);
  std::vector<double> total(index(height * fft.half_width()));
  bool white = true;
  for (std::size_t layer = 0; layer < noise.laws.size(); ++layer) {
    const Noise& law = *noise.laws[layer];
    const std::string family = law.family();
    if (map_of(noise, layer) != nullptr) return std::nullopt;
    std::vector<double> own(total.size(), 1.0);
    double variance = 1;
    if (family == "gaussian" || family == "correlated") {
      variance = law.variance().constant;
      const Tensor* kernel = noise.file("kernel", layer);
      const Tensor* density = noise.file("psd", layer);
      if (kernel != nullptr) own = kernel_spectrum(*kernel, fft);
      if (density != nullptr) own = scaled_density(*density, density->rank() == 1 ? 1 : height, width);
      if (own.size() != total.size()) return std::nullopt;  // rows of their own
      white = white && kernel == nullptr && density == nullptr;
    } else if (family == "row-column") {
      const NoiseParameters parameters = law.parameters();
      const double row = parameters.at("row"), column = parameters.at("column");
      std::fill(own.begin(), own.end(), 0.0);
      for (std::int64_t ky = 0; ky < height; ++ky)
        own[index(ky * fft.half_width())] += row * row * static_cast<double>(width);
      for (std::int64_t kx = 0; kx < fft.half_width(); ++kx)
        own[index(kx)] += column * column * static_cast<double>(height);
      white = false;
    } else {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += variance * own[i];
  }
  if (white) return std::nullopt;
  return total;
}

std::vector<double> block_covariance(const std::vector<double>& spectrum, std::int64_t height, std::int64_t width,
                                     std::int64_t channels, std::int64_t rows, std::int64_t columns) {
  const RealFft2<double> fft(height, width, FftBackend::portable);
  const std::vector<std::complex<double>> transform(spectrum.begin(), spectrum.end());
  std::vector<double> gamma(index(height * width));
  fft.inverse(transform.data(), gamma.data());
  const std::int64_t pixels = rows * columns, d = channels * pixels;
  std::vector<double> covariance(index(d * d));
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t i = 0; i < pixels; ++i)
      for (std::int64_t j = 0; j < pixels; ++j) {
        const std::int64_t dy = (i / columns - j / columns + height) % height,
                           dx = (i % columns - j % columns + width) % width;
        covariance[index((c * pixels + i) * d + c * pixels + j)] = gamma[index(dy * width + dx)];
      }
  return covariance;
}

}  // namespace noiseutils
