#include <cmath>
#include <nlohmann/json.hpp>

#include "noise/source.hpp"
#include "noise/source_tools.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

struct GaussianField {
  std::int64_t height, width;
  double slope, mean, deviation;
  std::vector<double> gains;  ///< height x (width / 2 + 1), of the spectrum of white noise

  std::size_t at(std::int64_t ky, std::int64_t kx) const {
    return static_cast<std::size_t>((ky < 0 ? ky + height : ky) * (width / 2 + 1) + kx);
  }
};

/// gain(f) = c |f|^-slope, 0 at f = 0, with c such that the variance, the mean of gain^2 over all frequencies, is
/// right.
void make_gains(GaussianField& field) {
  field.gains.resize(static_cast<std::size_t>(field.height * (field.width / 2 + 1)));
  double total = 0;
  for (std::int64_t y = 0; y < field.height; ++y)
    for (std::int64_t kx = 0; kx <= field.width / 2; ++kx) {
      const std::int64_t ky = 2 * y <= field.height ? y : y - field.height;
      const double fy = static_cast<double>(ky) / static_cast<double>(field.height);
      const double fx = static_cast<double>(kx) / static_cast<double>(field.width);
      const double square = fy * fy + fx * fx;
      const double gain = square == 0 ? 0 : portable::pow(square, -field.slope / 2);
      field.gains[field.at(ky, kx)] = gain;
      total += (kx == 0 || 2 * kx == field.width ? 1 : 2) * gain * gain;
    }
  const double scale = field.deviation / std::sqrt(total / static_cast<double>(field.height * field.width));
  for (double& gain : field.gains) gain *= scale;
}

}  // namespace

ImageGenerator gaussian_field_source() {
  return {
      "gaussian-field", "stationary Gaussian images with a power-law spectrum",
      [] {
        std::vector<OptionSpec> options = size_options("256", 2);
        options.push_back(
            number("slope", "B", "amplitude ~ |f|^-B, power ~ |f|^-2B").otherwise("1").at_least(0).at_most(20));
        options.push_back(number("mean", "M", "mean").otherwise("0.5").at_least(-1e6).at_most(1e6));
        options.push_back(
            number("deviation", "S", "standard deviation of a pixel").otherwise("0.15").above(0).at_most(1e6));
        return options;
      }(),
      [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
        GaussianField field{options.integer("height"), options.integer("width"),    options.number("slope"),
                            options.number("mean"),    options.number("deviation"), {}};
        make_gains(field);
        return [field](std::uint64_t seed, std::uint64_t sample) {
          ImageValues image =
              normals_of(image_stream(seed, sample), static_cast<std::size_t>(field.height * field.width));
          filter_spectrum(image, field.height, field.width,
                          [&](std::int64_t ky, std::int64_t kx) { return field.gains[field.at(ky, kx)]; });
          for (double& value : image) value += field.mean;
          return image_record(image, field.height, field.width, {{"name", "gaussian-field"}, {"slope", field.slope}});
        };
      }};
}

}  // namespace noiseutils
