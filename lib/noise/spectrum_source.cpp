#include <cmath>
#include <complex>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "linalg/fft.hpp"
#include "noise/source.hpp"
#include "noise/source_tools.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

struct SpectrumLaw {
  std::int64_t height, width, channels;
  double least_slope, largest_slope, anisotropy;
};

/// An image whose Fourier amplitudes are given and whose phases are those of uniform noise. Phases are kept as
/// z / |z|, without an angle.
void impose_amplitudes(std::span<double> image, const SpectrumLaw& law, double slope_x, double slope_y) {
  const RealFft2<double> fft(law.height, law.width, FftBackend::portable);
  std::vector<std::complex<double>> spectrum(static_cast<std::size_t>(law.height * fft.half_width()));
  fft.forward(image.data(), spectrum.data());
  for (std::int64_t y = 0; y < law.height; ++y)
    for (std::int64_t x = 0; x < fft.half_width(); ++x) {
      std::complex<double>& z = spectrum[static_cast<std::size_t>(y * fft.half_width() + x)];
      const double size = std::sqrt(z.real() * z.real() + z.imag() * z.imag());
      const auto ky = static_cast<double>(2 * y <= law.height ? y : law.height - y);
      const double fy = ky / static_cast<double>(law.height),
                   fx = static_cast<double>(x) / static_cast<double>(law.width);
      const double amplitude =
          1 / (std::numeric_limits<double>::epsilon() + portable::pow(fx, slope_x) + portable::pow(fy, slope_y));
      z = size == 0 || (x == 0 && y == 0) ? 0 : z * (amplitude / size);
    }
  fft.inverse(spectrum.data(), image.data());
}

Record draw(const SpectrumLaw& law, std::uint64_t seed, std::uint64_t sample) {
  const double u = uniforms_of(parameter_stream(seed, sample), 1).front();
  const double n = normals_of({seed, Purpose::source, sample, 2}, 1).front();
  const double slope = law.least_slope + u * (law.largest_slope - law.least_slope), shift = law.anisotropy * n;
  const auto pixels = static_cast<std::size_t>(law.height * law.width);
  ImageValues image = uniforms_of(image_stream(seed, sample), pixels * static_cast<std::size_t>(law.channels));
  for (std::size_t channel = 0; channel < image.size() / pixels; ++channel)
    impose_amplitudes(std::span(image).subspan(channel * pixels, pixels), law, slope + shift, slope - shift);
  stretch(image, 0, 1);
  return image_record(image, law.height, law.width,
                      {{"name", "spectrum"}, {"slope_x", slope + shift}, {"slope_y", slope - shift}});
}

}  // namespace

ImageSource spectrum_source() {
  return {
      "spectrum", "images of random phases with the amplitudes 1 / (|fx|^a + |fy|^b)",
      [] {
        std::vector<OptionSpec> options = size_options("256", 2);
        options.push_back(number_or_range("slope", "S|A:B", "exponent of the amplitudes; A:B: each image has its own")
                              .otherwise("0.5:3.5")
                              .at_least(0)
                              .at_most(20));
        options.push_back(number("anisotropy", "D",
                                 "standard deviation of what the exponent along x has more, "
                                 "and that along y less")
                              .otherwise("0.05")
                              .at_least(0)
                              .at_most(10));
        options.push_back(flag("colour", "three channels of independent phases"));
        return options;
      }(),
      [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
        const NumberRange slope = options.range("slope");
        const SpectrumLaw law{options.integer("height"),
                              options.integer("width"),
                              options.flag("colour") ? 3 : 1,
                              slope.low,
                              slope.high,
                              options.number("anisotropy")};
        return [law](std::uint64_t seed, std::uint64_t sample) { return draw(law, seed, sample); };
      }};
}

}  // namespace noiseutils
