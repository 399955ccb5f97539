#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "noise/source.hpp"
#include "noise/source_tools.hpp"
#include "random/math.hpp"

namespace noiseutils {
namespace {

/// arcsin x for |x| <= 1, portable: turns an angle until its sine and cosine are (x, sqrt(1 - x^2)). The error falls
/// as its cube.
double arcsine(double x) {
  const double cosine = std::sqrt(std::max(0.0, 1 - x * x));
  double angle = x;
  for (int i = 0; i < 6; ++i) {
    const auto now = portable::sincos(angle);
    angle += x * now.cos - cosine * now.sin;
  }
  return angle;
}

/// Integral of sqrt(r^2 - u^2) from 0 to u.
double segment(double u, double r) {
  return (u * std::sqrt(std::max(0.0, r * r - u * u)) + r * r * arcsine(std::clamp(u / r, -1.0, 1.0))) / 2;
}

/// Area of the disc of radius r about 0 within [x0, x1] x [y0, y1]. Between the abscissae where the circle crosses the
/// sides, top and bottom of the part are each a side or the circle.
double shared_area(double x0, double x1, double y0, double y1, double r) {
  const auto crossing = [&](double y) { return std::sqrt(std::max(0.0, r * r - y * y)); };
  std::array<double, 8> cuts{x0, x1, -r, r, crossing(y0), -crossing(y0), crossing(y1), -crossing(y1)};
  for (double& cut : cuts) cut = std::clamp(cut, std::clamp(x0, -r, r), std::clamp(x1, -r, r));
  std::sort(cuts.begin(), cuts.end());
  double area = 0;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    const double a = cuts[i], b = cuts[i + 1];
    if (a == b) continue;
    const double half = crossing((a + b) / 2);
    const double top = std::min(half, y1), bottom = std::max(-half, y0);
    if (top <= bottom) continue;
    const double arc = segment(b, r) - segment(a, r);
    area += (half < y1 ? arc : y1 * (b - a)) - (-half > y0 ? -arc : y0 * (b - a));
  }
  return area;
}

struct Discs {
  std::int64_t height, width;
  double smallest_radius;
};

Record draw(const Discs& law, std::uint64_t seed, std::uint64_t sample) {
  const ImageValues u = uniforms_of(parameter_stream(seed, sample), 5);
  const auto height = static_cast<double>(law.height), width = static_cast<double>(law.width);
  const double margin = 2 * law.smallest_radius;
  const double row = margin + u[0] * (height - 2 * margin), column = margin + u[1] * (width - 2 * margin);
  const double room = std::min({row, height - row, column, width - column});
  const double radius = law.smallest_radius + u[2] * (room - law.smallest_radius);
  ImageValues image;
  for (std::int64_t y = 0; y < law.height; ++y)
    for (std::int64_t x = 0; x < law.width; ++x) {
      const double left = static_cast<double>(x) - column, top = static_cast<double>(y) - row;
      const double covered = shared_area(left, left + 1, top, top + 1, radius);
      image.push_back(u[3] + (u[4] - u[3]) * std::clamp(covered, 0.0, 1.0));
    }
  return image_record(image, law.height, law.width,
                      {{"name", "discs"},
                       {"row", row},
                       {"column", column},
                       {"radius", radius},
                       {"background", u[3]},
                       {"foreground", u[4]}});
}

}  // namespace

ImageGenerator discs_source() {
  return {
      "discs", "one disc an image, of random place, size and grey on a random grey: five dimensions in all",
      [] {
        std::vector<OptionSpec> options = size_options("80", 4);
        options.push_back(number("rmin", "R", "smallest radius in pixels").otherwise("5").at_least(0.5).at_most(16384));
        return options;
      }(),
      [](const OptionValues& options) -> std::function<Record(std::uint64_t, std::uint64_t)> {
        const Discs law{options.integer("height"), options.integer("width"), options.number("rmin")};
        if (4 * law.smallest_radius >= static_cast<double>(std::min(law.height, law.width)))
          throw UsageError("--rmin must be smaller than a quarter of --height and --width");
        return [law](std::uint64_t seed, std::uint64_t sample) { return draw(law, seed, sample); };
      }};
}

}  // namespace noiseutils
