#include "noise/statistical_image.hpp"

#include <cmath>
#include <complex>
#include <limits>
#include <nlohmann/json.hpp>

#include "linalg/fft.hpp"
#include "noise/marginal.hpp"
#include "noise/palette.hpp"
#include "noise/parallel_items.hpp"
#include "noise/source_tools.hpp"
#include "noise/steerable_pyramid.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

constexpr double kLargestBandValue = 200;

struct Spread {
  double mean, deviation;
};

Spread spread_of(std::span<const double> values) {
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size()))};
}

/// One of the statistics, drawn once an image.
class Amplitudes {
 public:
  Amplitudes(const StatisticalImage& model, std::uint64_t seed, std::uint64_t sample, nlohmann::json& told)
      : fft_(model.height, model.width, FftBackend::portable) {
    const PowerSpectrum& law = *model.spectrum;
    const double u = uniforms_of(parameter_stream(seed, sample), 1).front();
    const double n = normals_of({seed, Purpose::source, sample, 2}, 1).front();
    const double slope = law.slope.low + u * (law.slope.high - law.slope.low), shift = law.anisotropy * n;
    told["slope_x"] = slope + shift;
    told["slope_y"] = slope - shift;
    for (std::int64_t y = 0; y < model.height; ++y)
      for (std::int64_t x = 0; x < fft_.half_width(); ++x) {
        const auto ky = static_cast<double>(2 * y <= model.height ? y : model.height - y);
        const double fy = ky / static_cast<double>(model.height);
        const double fx = static_cast<double>(x) / static_cast<double>(model.width);
        values_.push_back(1 / (std::numeric_limits<double>::epsilon() + portable::pow(fx, slope + shift) +
                               portable::pow(fy, slope - shift)));
      }
    values_.front() = 0;
  }

  /// Keeps phases, mean and standard deviation. Phases are kept as z / |z|, without an angle.
  void impose(std::span<double> image) const {
    const Spread before = spread_of(image);
    std::vector<std::complex<double>> spectrum(values_.size());
    fft_.forward(image.data(), spectrum.data());
    for (std::size_t k = 0; k < spectrum.size(); ++k) {
      std::complex<double>& z = spectrum[k];
      const double size = std::sqrt(z.real() * z.real() + z.imag() * z.imag());
      z = size == 0 ? 0 : z * (values_[k] / size);
    }
    fft_.inverse(spectrum.data(), image.data());
    const Spread after = spread_of(image);
    const double factor = after.deviation > 0 ? before.deviation / after.deviation : 0;
    for (double& value : image) value = before.mean + factor * (value - after.mean);
  }

 private:
  RealFft2<double> fft_;
  std::vector<double> values_;  ///< height x (width / 2 + 1)
};

class Marginals {
 public:
  Marginals(const StatisticalImage& model, std::uint64_t seed, std::uint64_t sample, nlohmann::json& told)
      : pyramid_(model.height, model.width, model.wavelets->orientations, model.wavelets->scales) {
    const NumberRange range = model.wavelets->shape;
    const std::size_t bands = pyramid_.bands().size() - 1;
    const ImageValues u =
        uniforms_of({seed, Purpose::source, sample, 3}, bands * static_cast<std::size_t>(model.channels));
    std::vector<double> shapes;
    for (const double value : u) {
      const SteerablePyramid::Band& band = pyramid_.bands()[shapes.size() % bands];
      shapes.push_back(range.low + value * (range.high - range.low));
      // Beyond scale 8 or so the law is uniform.
      const double scale = portable::pow(4, static_cast<double>(std::int64_t{1} << band.level));
      quantiles_.push_back(
          quantiles_of({scale, shapes.back(), kLargestBandValue}, static_cast<std::size_t>(band.height * band.width)));
      if (shapes.size() == bands) {
        told["shapes"].push_back(shapes);
        shapes.clear();
      }
    }
  }

  void impose(std::span<double> image, std::size_t channel) const {
    std::vector<std::vector<double>> values = pyramid_.analyse(image);
    const std::size_t bands = values.size() - 1;
    constexpr std::int64_t kStepsAValue = 16;  // of sorting
    parallel_items(static_cast<std::int64_t>(bands), kStepsAValue * std::ssize(image), [&](std::int64_t band) {
      const auto b = static_cast<std::size_t>(band);
      match_values(values[b], quantiles_[channel * bands + b]);
    });
    pyramid_.synthesise(values, image);
  }

 private:
  SteerablePyramid pyramid_;
  std::vector<std::vector<double>> quantiles_;  ///< of each channel's bands
};

}  // namespace

Record draw_statistical_image(const StatisticalImage& model, std::uint64_t seed, std::uint64_t sample) {
  nlohmann::json told = {{"name", model.name}};
  std::optional<Amplitudes> spectrum;
  std::optional<Marginals> wavelets;
  std::optional<Palette> palette;
  if (model.spectrum) spectrum.emplace(model, seed, sample, told);
  if (model.wavelets) wavelets.emplace(model, seed, sample, told);
  if (model.palette) {
    palette = draw_palette(model.height, model.width, seed, sample);
    told["palette"] = {{"colours", palette->colours}, {"blur", palette->blur}};
  }
  const auto pixels = static_cast<std::size_t>(model.height * model.width);
  const auto channels = static_cast<std::size_t>(model.channels);
  ImageValues image = uniforms_of(image_stream(seed, sample), pixels * channels);
  for (double& value : image) value *= 256;
  for (std::int64_t i = 0; i < model.iterations; ++i)
    for (std::size_t channel = 0; channel < channels; ++channel) {
      const std::span<double> plane = std::span(image).subspan(channel * pixels, pixels);
      if (spectrum) spectrum->impose(plane);
      if (wavelets) wavelets->impose(plane, channel);
      if (palette) match_values(plane, palette->coordinates[channel]);
    }
  if (palette) colour_of_coordinates(*palette, image);
  told["scale"] = stretch(image, 0, 1);
  return image_record(image, model.height, model.width, told);
}

std::vector<OptionSpec> statistical_options(const std::vector<OptionSpec>& own) {
  std::vector<OptionSpec> options = size_options("256", 2);
  options.insert(options.end(), own.begin(), own.end());
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
  options.push_back(flag("colour", "three channels, independent of each other"));
  options.push_back(flag("palette", "three channels along the axes of a random palette, with its histograms"));
  options.push_back(integer("iterations", "N", "how often several statistics are imposed in turn")
                        .otherwise("10")
                        .at_least(1)
                        .at_most(1000));
  return options;
}

StatisticalImage statistical_image(const std::string& name, const OptionValues& options) {
  const bool palette = options.flag("palette");
  return {name,
          options.integer("height"),
          options.integer("width"),
          palette || options.flag("colour") ? 3 : 1,
          PowerSpectrum{options.range("slope"), options.number("anisotropy")},
          std::nullopt,
          palette,
          options.integer("iterations")};
}

}  // namespace noiseutils
