#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "noise/source.hpp"
#include "noise/source_tools.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

struct CAlpha {
  std::int64_t height, width;
  double alpha, beta;
};

/// Uniform noise on (-1, 1), integrated `order` times: its Fourier coefficients times |k|^-order, k in cycles per
/// image, as at |k| = 1 for k = 0.
ImageValues integrated(const StreamKey& key, std::int64_t height, std::int64_t width, double order) {
  ImageValues values = uniforms_of(key, static_cast<std::size_t>(height * width));
  for (double& value : values) value = 2 * value - 1;
  filter_spectrum(values, height, width, [&](std::int64_t ky, std::int64_t kx) {
    const auto square = static_cast<double>(ky * ky + kx * kx);
    return square == 0 ? 1 : portable::pow(square, -order / 2);
  });
  return values;
}

/// 1 where a row is at or below the contour, the mean of each 2 x 2 pixels (those before the first mirrored).
ImageValues blurred_mask(const std::vector<std::int64_t>& contour, std::int64_t height) {
  const auto width = static_cast<std::int64_t>(contour.size());
  const auto inside = [&](std::int64_t y, std::int64_t x) {
    y = std::abs(y), x = std::abs(x);
    return y >= contour[static_cast<std::size_t>(x)] ? 0.25 : 0.0;
  };
  ImageValues mask;
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      mask.push_back(inside(y, x) + inside(y - 1, x) + inside(y, x - 1) + inside(y - 1, x - 1));
  return mask;
}

Record draw(const CAlpha& law, std::uint64_t seed, std::uint64_t sample) {
  const auto stream = [&](std::uint64_t copy) { return StreamKey{seed, Purpose::source, sample, copy}; };
  const ImageValues curve = integrated(stream(0), 1, law.width, law.alpha);
  std::vector<std::int64_t> contour;
  for (const double value : curve)
    contour.push_back(std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::nearbyint(value * static_cast<double>(law.height))) + law.height / 2, 0,
        law.height));
  ImageValues below = integrated(stream(2), law.height, law.width, law.beta);
  ImageValues above = integrated(stream(3), law.height, law.width, law.beta);
  const ImageValues u = uniforms_of(parameter_stream(seed, sample), 3);
  const bool below_is_bright = u[0] < 0.5;
  stretch(below_is_bright ? below : above, u[1], 1);
  stretch(below_is_bright ? above : below, 0, u[2]);
  const ImageValues mask = blurred_mask(contour, law.height);
  for (std::size_t e = 0; e < mask.size(); ++e) below[e] = below[e] * mask[e] + above[e] * (1 - mask[e]);
  return image_record(below, law.height, law.width,
                      {{"name", "c-alpha"},
                       {"alpha", law.alpha},
                       {"beta", law.beta},
                       {"bright_from", u[1]},
                       {"dark_to", u[2]},
                       {"below_is_bright", below_is_bright},
                       {"contour", contour}});
}

}  // namespace

ImageGenerator c_alpha_source() {
  return {"c-alpha", "two smooth regions on both sides of a smooth contour: geometrically regular images",
          [] {
            std::vector<OptionSpec> options = size_options("80", 4);
            options.push_back(number("alpha", "A", "regularity of the contour").otherwise("2").above(0).at_most(20));
            options.push_back(number("beta", "B", "regularity of the regions; default: alpha").above(0).at_most(20));
            return options;
          }(),
          [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
            const double alpha = options.number("alpha");
            const CAlpha law{options.integer("height"), options.integer("width"), alpha,
                             options.maybe_number("beta").value_or(alpha)};
            return [law](std::uint64_t seed, std::uint64_t sample) { return draw(law, seed, sample); };
          }};
}

}  // namespace noiseutils
