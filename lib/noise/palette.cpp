#include "noise/palette.hpp"

#include <algorithm>

#include "linalg/symmetric_eigen.hpp"
#include "noise/source_tools.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::size_t kMostColours = 22;

/// Means over boxes along lines of `count` values `step` apart; nothing lies beyond the ends.
void blur_line(double* line, std::int64_t count, std::int64_t step, std::int64_t side, std::vector<double>& copy) {
  copy.resize(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) copy[static_cast<std::size_t>(i)] = line[i * step];
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t last = std::min(count - 1, i + side / 2),
                       first = std::max<std::int64_t>(0, i + side / 2 + 1 - side);
    double sum = 0;
    for (std::int64_t j = first; j <= last; ++j) sum += copy[static_cast<std::size_t>(j)];
    line[i * step] = sum / static_cast<double>(side);
  }
}

void blur_plane(double* plane, std::int64_t height, std::int64_t width, std::int64_t side) {
  std::vector<double> copy;
  for (std::int64_t y = 0; y < height; ++y) blur_line(plane + y * width, width, 1, side, copy);
  for (std::int64_t x = 0; x < width; ++x) blur_line(plane + x, height, width, side, copy);
}

/// How many pixels have each colour: of as many draws with the probabilities 0.001 + u over their sum.
std::vector<std::size_t> draw_counts(std::span<const double> u, const ImageValues& draws) {
  std::vector<double> cumulated;
  double sum = 0;
  for (const double value : u) cumulated.push_back(sum += 0.001 + value);
  std::vector<std::size_t> counts(u.size());
  for (const double draw : draws) {
    const auto at = std::upper_bound(cumulated.begin(), cumulated.end() - 1, draw * sum) - cumulated.begin();
    ++counts[static_cast<std::size_t>(at)];
  }
  return counts;
}

/// The image of stripes, three planes.
ImageValues stripes(Palette& palette, std::int64_t height, std::int64_t width, std::uint64_t seed,
                    std::uint64_t sample) {
  const ImageValues u = uniforms_of({seed, Purpose::source, sample, 4}, 2 + 4 * kMostColours);
  palette.colours = 3 + static_cast<std::int64_t>(20 * u[0]);
  palette.blur = 1 + static_cast<std::int64_t>(10 * u[1]);
  const auto pixels = static_cast<std::size_t>(height * width);
  const auto counts = draw_counts(std::span(u).subspan(2, static_cast<std::size_t>(palette.colours)),
                                  uniforms_of({seed, Purpose::source, sample, 5}, pixels));
  const ImageValues noise = uniforms_of({seed, Purpose::source, sample, 6}, 3 * pixels);
  ImageValues image;
  for (std::size_t plane = 0; plane < 3; ++plane)
    for (std::size_t colour = 0; colour < counts.size(); ++colour)
      image.insert(image.end(), counts[colour], 256 * u[2 + kMostColours + 3 * colour + plane]);
  for (std::size_t plane = 0; plane < 3; ++plane)
    blur_plane(image.data() + plane * pixels, height, width, palette.blur);
  for (std::size_t e = 0; e < image.size(); ++e) image[e] += 10 * noise[e];
  stretch(image, 0, 256);
  return image;
}

}  // namespace

Palette draw_palette(std::int64_t height, std::int64_t width, std::uint64_t seed, std::uint64_t sample) {
  Palette palette{};
  const ImageValues image = stripes(palette, height, width, seed, sample);
  const std::size_t pixels = image.size() / 3;
  for (std::size_t plane = 0; plane < 3; ++plane) {
    double sum = 0;
    for (std::size_t e = 0; e < pixels; ++e) sum += image[plane * pixels + e];
    palette.mean[plane] = sum / static_cast<double>(pixels);
  }
  const auto value = [&](std::size_t plane, std::size_t e) { return image[plane * pixels + e] - palette.mean[plane]; };
  std::array<double, 9> covariance{};
  std::array<double, 3> variances{};
  for (std::size_t a = 0; a < 3; ++a)
    for (std::size_t b = a; b < 3; ++b) {
      for (std::size_t e = 0; e < pixels; ++e) covariance[3 * b + a] += value(a, e) * value(b, e);
      covariance[3 * a + b] = covariance[3 * b + a];
    }
  symmetric_eigen(3, covariance.data(), variances.data());
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t plane = 0; plane < 3; ++plane) palette.axes[i][plane] = covariance[3 * (2 - i) + plane];
    for (std::size_t e = 0; e < pixels; ++e) {
      double coordinate = 0;
      for (std::size_t plane = 0; plane < 3; ++plane) coordinate += palette.axes[i][plane] * value(plane, e);
      palette.coordinates[i].push_back(coordinate);
    }
    std::sort(palette.coordinates[i].begin(), palette.coordinates[i].end());
  }
  return palette;
}

void colour_of_coordinates(const Palette& palette, std::span<double> image) {
  const std::size_t pixels = image.size() / 3;
  for (std::size_t e = 0; e < pixels; ++e) {
    std::array<double, 3> colour = palette.mean;
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t plane = 0; plane < 3; ++plane) colour[plane] += palette.axes[i][plane] * image[i * pixels + e];
    for (std::size_t plane = 0; plane < 3; ++plane) image[plane * pixels + e] = colour[plane];
  }
}

}  // namespace noiseutils
