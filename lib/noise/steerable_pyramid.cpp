#include "noise/steerable_pyramid.hpp"

#include <cmath>

#include "base/error.hpp"
#include "noise/parallel_items.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kStepsAValue = 16;  // of a transform

struct Window {
  double low, high;
};

/// low and high at rho; their squares add up to 1.
Window window(double rho) {
  if (rho <= 0.5) return {1, 0};
  if (rho >= 1) return {0, 1};
  const double octave = portable::log(2 * rho) / portable::log(2);
  const auto [sine, cosine] = portable::sincos_of_turns(octave / 4);
  return {cosine, sine};
}

/// A band without its window.
SteerablePyramid::Band empty_band(std::int64_t height, std::int64_t width, std::int64_t level, bool odd) {
  return {level, height >> level, width >> level, odd, {}};
}

/// Fills the window with gain(fy, fx, rho), f in cycles a pixel of the image.
template <class Gain>
void fill_window(SteerablePyramid::Band& band, Gain gain) {
  const double unit = 1 / static_cast<double>(std::int64_t{1} << band.level);
  for (std::int64_t y = 0; y < band.height; ++y)
    for (std::int64_t kx = 0; kx <= band.width / 2; ++kx) {
      const std::int64_t ky = 2 * y <= band.height ? y : y - band.height;
      const double fy = unit * static_cast<double>(ky) / static_cast<double>(band.height);
      const double fx = unit * static_cast<double>(kx) / static_cast<double>(band.width);
      band.gain.push_back(gain(fy, fx, 2 * std::sqrt(fy * fy + fx * fx)));
    }
}

std::complex<double> turned(std::complex<double> z, double sign) { return {-sign * z.imag(), sign * z.real()}; }

}  // namespace

SteerablePyramid::SteerablePyramid(std::int64_t height, std::int64_t width, std::int64_t orientations,
                                   std::int64_t scales) {
  for (std::int64_t level = 0; level <= scales; ++level) {
    if ((height >> level << level) != height || (width >> level << level) != width)
      throw InternalError("a steerable pyramid needs multiples of 2^scales");
    transforms_.emplace_back(height >> level, width >> level, FftBackend::portable);
  }
  bands_.push_back(empty_band(height, width, 0, false));
  fill_window(bands_.back(), [](double, double, double rho) { return window(rho).high; });
  const std::int64_t power = orientations - 1;
  double square = 1 / static_cast<double>(orientations);
  for (std::int64_t j = 1; j <= power; ++j) square *= static_cast<double>(2 * j) / static_cast<double>(2 * j - 1);
  const double norm = std::sqrt(square);
  for (std::int64_t level = 0; level < scales; ++level)
    for (std::int64_t k = 0; k < orientations; ++k) {
      const auto along = portable::sincos_of_turns(static_cast<double>(k) / static_cast<double>(2 * orientations));
      const auto scale = static_cast<double>(std::int64_t{1} << level);
      bands_.push_back(empty_band(height, width, level, power % 2 == 1));
      fill_window(bands_.back(), [&](double fy, double fx, double rho) {
        double gain = window(scale * rho).low * window(2 * scale * rho).high;
        if (gain == 0) return 0.0;
        const double cosine = 2 * (fx * along.cos + fy * along.sin) / rho;
        for (std::int64_t j = 0; j < power; ++j) gain *= cosine;
        return norm * gain;
      });
    }
  bands_.push_back(empty_band(height, width, scales, false));
  const auto scale = static_cast<double>(std::int64_t{1} << scales);
  fill_window(bands_.back(), [&](double, double, double rho) { return window(scale * rho).low; });
}

/// Where the spectrum of the image has the frequencies of a row of the band's.
std::size_t SteerablePyramid::place(const Band& band, std::int64_t row) const {
  const RealFft2<double>& whole = transforms_.front();
  return static_cast<std::size_t>((2 * row <= band.height ? row : row - band.height + whole.height()) *
                                  whole.half_width());
}

std::vector<std::vector<double>> SteerablePyramid::analyse(std::span<const double> image) const {
  const RealFft2<double>& whole = transforms_.front();
  std::vector<std::complex<double>> spectrum(static_cast<std::size_t>(whole.height() * whole.half_width()));
  whole.forward(image.data(), spectrum.data());
  std::vector<std::vector<double>> values(bands_.size());
  parallel_items(std::ssize(bands_), kStepsAValue * whole.height() * whole.width(), [&](std::int64_t b) {
    const Band& band = bands_[static_cast<std::size_t>(b)];
    const double scale = 1 / static_cast<double>(std::int64_t{1} << band.level);
    std::vector<std::complex<double>> part(band.gain.size());
    const std::size_t row = static_cast<std::size_t>(band.width / 2 + 1);
    for (std::size_t e = 0; e < part.size(); ++e) {
      const std::complex<double> z =
          spectrum[place(band, static_cast<std::int64_t>(e / row)) + e % row] * (scale * band.gain[e]);
      part[e] = band.odd ? turned(z, 1) : z;
    }
    auto& out = values[static_cast<std::size_t>(b)];
    out.resize(static_cast<std::size_t>(band.height * band.width));
    transforms_[static_cast<std::size_t>(band.level)].inverse(part.data(), out.data());
  });
  return values;
}

void SteerablePyramid::synthesise(const std::vector<std::vector<double>>& values, std::span<double> image) const {
  const RealFft2<double>& whole = transforms_.front();
  std::vector<std::vector<std::complex<double>>> parts(bands_.size());
  parallel_items(std::ssize(bands_), kStepsAValue * whole.height() * whole.width(), [&](std::int64_t b) {
    const Band& band = bands_[static_cast<std::size_t>(b)];
    auto& part = parts[static_cast<std::size_t>(b)];
    part.resize(band.gain.size());
    transforms_[static_cast<std::size_t>(band.level)].forward(values[static_cast<std::size_t>(b)].data(), part.data());
    const auto scale = static_cast<double>(std::int64_t{1} << band.level);
    for (std::size_t e = 0; e < part.size(); ++e) {
      part[e] *= scale * band.gain[e];
      if (band.odd) part[e] = turned(part[e], -1);
    }
  });
  std::vector<std::complex<double>> spectrum(static_cast<std::size_t>(whole.height() * whole.half_width()));
  for (std::size_t b = 0; b < bands_.size(); ++b) {
    const std::size_t row = static_cast<std::size_t>(bands_[b].width / 2 + 1);
    for (std::size_t e = 0; e < parts[b].size(); ++e)
      spectrum[place(bands_[b], static_cast<std::int64_t>(e / row)) + e % row] += parts[b][e];
  }
  whole.inverse(spectrum.data(), image.data());
}

}  // namespace noiseutils
