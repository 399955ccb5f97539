#include <array>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "noise/source.hpp"
#include "noise/source_tools.hpp"
#include "random/math.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

/// Low-pass filter of Daubechies' orthonormal wavelet of four vanishing moments.
/// Source: Daubechies, "Ten lectures on wavelets", table 6.1.
constexpr std::array<double, 8> kLowPass = {0.23037781330885523,  0.7148465705525415,   0.6308807679295904,
                                            -0.02798376941698385, -0.18703481171888114, 0.030841381835986965,
                                            0.032883011666982945, -0.010597401784997278};

struct WaveletLaw {
  std::int64_t height, width, levels;
  double least_shape, largest_shape, growth;
};

/// One step of synthesis along a line of 2 n values: the first n are approximations, the others details. Periodic.
void synthesise(const std::vector<double>& in, std::vector<double>& out) {
  const std::size_t n = in.size() / 2, taps = kLowPass.size();
  out.assign(in.size(), 0.0);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t t = 0; t < taps; ++t) {
      const double high = (t % 2 == 0 ? 1 : -1) * kLowPass[taps - 1 - t];
      out[(2 * k + t) % in.size()] += kLowPass[t] * in[k] + high * in[n + k];
    }
}

/// The whole synthesis: coefficients in the usual square of quarters, the approximation in the corner.
void synthesise_image(ImageValues& image, const WaveletLaw& law) {
  std::vector<double> line, out;
  for (std::int64_t level = law.levels - 1; level >= 0; --level) {
    const std::int64_t height = law.height >> level, width = law.width >> level;
    const auto at = [&](std::int64_t y, std::int64_t x) -> double& {
      return image[static_cast<std::size_t>(y * law.width + x)];
    };
    line.resize(static_cast<std::size_t>(height));
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t y = 0; y < height; ++y) line[static_cast<std::size_t>(y)] = at(y, x);
      synthesise(line, out);
      for (std::int64_t y = 0; y < height; ++y) at(y, x) = out[static_cast<std::size_t>(y)];
    }
    line.resize(static_cast<std::size_t>(width));
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) line[static_cast<std::size_t>(x)] = at(y, x);
      synthesise(line, out);
      for (std::int64_t x = 0; x < width; ++x) at(y, x) = out[static_cast<std::size_t>(x)];
    }
  }
}

/// Each coefficient has density ~ exp(-|c / growth^level|^shape), level 0 the finest: |c| is growth^level
/// Gamma(1/shape)^(1/shape), its sign fair. The approximation counts as one level more.
Record draw(const WaveletLaw& law, std::uint64_t seed, std::uint64_t sample) {
  const double u = uniforms_of(parameter_stream(seed, sample), 1).front();
  const double shape = law.least_shape + u * (law.largest_shape - law.least_shape);
  const auto pixels = static_cast<std::size_t>(law.height * law.width);
  ImageValues image(pixels);
  fill_gamma(image_stream(seed, sample), 0, ImageValues(pixels, 1 / shape), image);
  const ImageValues sign = uniforms_of({seed, Purpose::source, sample, 2}, pixels);
  for (std::int64_t y = 0; y < law.height; ++y)
    for (std::int64_t x = 0; x < law.width; ++x) {
      double scale = 1;
      for (std::int64_t level = 1; level <= law.levels; ++level)
        if (y < law.height >> level && x < law.width >> level) scale *= law.growth;
      const auto e = static_cast<std::size_t>(y * law.width + x);
      image[e] = (sign[e] < 0.5 ? -scale : scale) * portable::pow(image[e], 1 / shape);
    }
  synthesise_image(image, law);
  const double factor = stretch(image, 0, 1);
  return image_record(image, law.height, law.width, {{"name", "wavelet"}, {"shape", shape}, {"scale", factor}});
}

}  // namespace

ImageSource wavelet_source() {
  return {"wavelet", "images with independent heavy-tailed wavelet coefficients",
          [] {
            std::vector<OptionSpec> options = size_options("256", 2);
            options.push_back(
                number_or_range("shape", "R|A:B", "of the coefficients, exp(-|c|^R); A:B: each image has its own")
                    .otherwise("0.4:0.8")
                    .at_least(0.2)
                    .at_most(10));
            options.push_back(number("growth", "G", "factor of the coefficients from a level to the next coarser")
                                  .otherwise("4")
                                  .above(0)
                                  .at_most(100));
            options.push_back(integer("levels", "L", "levels; height and width are multiples of 2^L")
                                  .otherwise("4")
                                  .at_least(1)
                                  .at_most(16));
            return options;
          }(),
          [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
            const NumberRange shape = options.range("shape");
            const WaveletLaw law{
                options.integer("height"), options.integer("width"), options.integer("levels"), shape.low, shape.high,
                options.number("growth")};
            const std::int64_t unit = std::int64_t{1} << law.levels;
            if (law.height % unit != 0 || law.width % unit != 0)
              throw UsageError("--levels " + std::to_string(law.levels) +
                               " needs --height and --width that are multiples of " + std::to_string(unit));
            return [law](std::uint64_t seed, std::uint64_t sample) { return draw(law, seed, sample); };
          }};
}

}  // namespace noiseutils
