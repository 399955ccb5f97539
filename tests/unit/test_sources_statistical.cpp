#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.hpp"
#include "base/registry.hpp"
#include "noise/marginal.hpp"
#include "noise/palette.hpp"
#include "noise/source.hpp"
#include "noise/source_tools.hpp"
#include "noise/statistical_image.hpp"
#include "noise/steerable_pyramid.hpp"
#include "statistics.hpp"

namespace noiseutils {
namespace {

const double kPi = std::acos(-1.0);

double energy(std::span<const double> x) { return std::inner_product(x.begin(), x.end(), x.begin(), 0.0); }
double mean(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

struct Grid {
  std::int64_t height, width, orientations, scales;
};

TEST_CASE("steerable pyramid: synthesis gives back the image, and the bands have its energy") {
  for (const Grid& g : {Grid{32, 48, 4, 3}, Grid{24, 40, 3, 3}, Grid{64, 16, 1, 2}, Grid{16, 16, 6, 4},
                        Grid{6, 10, 2, 1}, Grid{2, 2, 4, 1}}) {
    INFO(g.height << " x " << g.width << ", " << g.orientations << " orientations, " << g.scales << " scales");
    const SteerablePyramid pyramid(g.height, g.width, g.orientations, g.scales);
    CHECK(std::ssize(pyramid.bands()) == g.orientations * g.scales + 2);
    ImageValues image = normals_of(image_stream(1, 2), static_cast<std::size_t>(g.height * g.width));
    for (double& value : image) value += 3;
    const auto bands = pyramid.analyse(image);
    double sum = 0;
    for (const auto& band : bands) sum += energy(band);
    CHECK(std::fabs(sum / energy(image) - 1) < 1e-12);
    ImageValues again(image.size());
    pyramid.synthesise(bands, again);
    for (std::size_t e = 0; e < image.size(); ++e) CHECK(std::fabs(again[e] - image[e]) < 1e-10);
  }
}

TEST_CASE("steerable pyramid: the response to a wave is its window, in closed form") {
  // low and high of rho = 2 |f|, and the angular window, by libm.
  const auto low = [](double rho) { return rho <= 0.5 ? 1 : rho >= 1 ? 0 : std::cos(kPi / 2 * std::log2(2 * rho)); };
  const auto high = [&](double rho) { return std::sqrt(1 - low(rho) * low(rho)); };
  const std::int64_t height = 64, width = 32, scales = 2;
  for (const int orientations : {1, 2, 3, 4, 5}) {
    const SteerablePyramid pyramid(height, width, orientations, scales);
    double binomial = 1;
    for (int j = 1; j < orientations; ++j) binomial *= (orientations - 1.0 + j) / j;
    const double norm = std::sqrt(std::pow(4, orientations - 1) / binomial / orientations);
    for (const auto& wave : {std::pair(5, 3), std::pair(-20, 7), std::pair(12, 0), std::pair(0, 9), std::pair(-3, 1),
                             std::pair(30, 14), std::pair(1, 1)}) {
      const int ky = wave.first, kx = wave.second;
      const double fy = double(ky) / height, fx = double(kx) / width, rho = 2 * std::hypot(fy, fx);
      ImageValues image;
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) image.push_back(std::cos(2 * kPi * (fy * y + fx * x) + 0.4));
      const auto bands = pyramid.analyse(image);
      for (std::size_t b = 0; b < bands.size(); ++b) {
        INFO("wave " << ky << ", " << kx << ", band " << b << " of " << orientations << " orientations");
        const bool oriented = b > 0 && b + 1 < bands.size();
        const int k = oriented ? int(b - 1) % orientations : 0;
        const int level = b == 0 ? 0 : oriented ? int(b - 1) / orientations : int(scales);
        const double unit = std::pow(2, level);
        const double radial = b == 0 ? high(rho) : oriented ? low(unit * rho) * high(2 * unit * rho) : low(unit * rho);
        const double angle = std::atan2(fy, fx) - kPi * k / orientations;
        const double gain = radial * (oriented ? norm * std::pow(std::cos(angle), orientations - 1) : 1);
        const bool odd = oriented && orientations % 2 == 0;
        REQUIRE(std::ssize(bands[b]) == height * width >> (2 * level));
        double largest = 0;
        for (std::size_t e = 0; e < bands[b].size(); ++e) {
          const double y = unit * double(e / std::size_t(width >> level)),
                       x = unit * double(e % std::size_t(width >> level));
          const double phase = 2 * kPi * (fy * y + fx * x) + 0.4;
          const double expected = unit * gain * (odd ? -std::sin(phase) : std::cos(phase));
          largest = std::max(largest, std::fabs(bands[b][e] - expected));
        }
        CHECK(largest < 1e-12);
      }
    }
  }
}

/// The distribution function by trapezia in u, x = scale (end u^4)^(1/shape): there the density has no cusp.
class Distribution {
 public:
  explicit Distribution(const BoundedGeneralisedGaussian& law)
      : law_(law), end_(std::pow(law.bound / law.scale, law.shape)) {
    double before = 0;
    for (int i = 1; i <= kSteps; ++i) {
      const double u = double(i) / kSteps, t = end_ * std::pow(u, 4);
      const double f = std::pow(t, 1 / law.shape - 1) * std::exp(-t) * std::pow(u, 3);
      integral_.push_back(integral_.back() + before + f);
      before = f;
    }
  }
  double operator()(double x) const {
    const double u = std::pow(std::pow(std::fabs(x) / law_.scale, law_.shape) / end_, 0.25) * kSteps;
    const auto i = std::min(std::size_t(u), std::size_t(kSteps - 1));
    const double part = std::min(u - double(i), 1.0);
    const double half = (integral_[i] + part * (integral_[i + 1] - integral_[i])) / integral_.back() / 2;
    return x < 0 ? 0.5 - half : 0.5 + half;
  }

 private:
  static constexpr int kSteps = 20000;
  BoundedGeneralisedGaussian law_;
  double end_;
  std::vector<double> integral_ = {0};
};

TEST_CASE("bounded generalised Gaussian: standard deviations in closed form") {
  // Far within the bound: scale^2 Gamma(3/r) / Gamma(1/r); the library integrates in steps, an error of O(step^2).
  const double step = 1.0 / 4096;
  for (const double shape : {0.6, 1.0, 1.5, 2.0}) {
    const double variance = std::exp(test::log_gamma(3 / shape) - test::log_gamma(1 / shape));
    const double scale = 200 / std::pow(45, 1 / shape);  // e^-45 at the bound
    CHECK(std::fabs(deviation_of({scale, shape, 200}) / (scale * std::sqrt(variance)) - 1) < 100 * step * step);
  }
  // Far beyond it: uniform. The integral of x^2 by trapezia between 200 t^3 is 27/14 step^2 of itself too large.
  CHECK(std::fabs(deviation_of({1e30, 0.5, 200}) / (200 / std::sqrt(3.0)) - 1) < step * step);
  const auto uniform = quantiles_of({1e30, 0.5, 200}, 5);
  const double factor = std::sqrt(5.0 / 3 / 1.6);  // the rms of -0.8, -0.4, ... is sqrt(1.6 / 5), not 1 / sqrt(3)
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(std::fabs(uniform[i] - factor * 200 * (0.4 * double(i) - 0.8)) < 200 * step * step);
}

TEST_CASE("match_values: by rank, equal ones by place") {
  ImageValues values = {3, 1, 2, 1};
  match_values(values, ImageValues{10, 20, 30, 40});
  CHECK(values == ImageValues{40, 10, 30, 20});
}

TEST_CASE("wavelet: the bands before synthesis have the law, its mean and its deviation") {
  const SteerablePyramid pyramid(64, 64, 4, 2);
  auto bands = pyramid.analyse(uniforms_of(image_stream(5, 0), 64 * 64));
  for (std::size_t b = 0; b + 1 < bands.size(); ++b) {
    const double scale = std::pow(4, std::pow(2, double(pyramid.bands()[b].level)));
    const BoundedGeneralisedGaussian law{scale, 0.4 + 0.05 * double(b), 200};
    match_values(bands[b], quantiles_of(law, bands[b].size()));
    ImageValues u;
    const Distribution distribution(law), distribution_of_other({scale, law.shape + 0.1, 200});
    for (const double value : bands[b]) u.push_back(distribution(value));
    // Midpoints of the ranks are 1 / (2 n) off the empirical distribution function; the factor of the deviation adds
    // as much again where the tail is heavy. A sample of the law would be about 0.87 / sqrt(n) off.
    CHECK(test::kolmogorov_smirnov_p(u) > 0.9999);
    CHECK(std::fabs(mean(bands[b])) < 1e-9);
    const double deviation = std::sqrt(energy(bands[b]) / double(bands[b].size()));
    CHECK(std::fabs(deviation / deviation_of(law) - 1) < 1e-12);
    // Not by construction: another shape is told apart.
    for (std::size_t e = 0; e < u.size(); ++e) u[e] = distribution_of_other(bands[b][e]);
    CHECK(test::kolmogorov_smirnov_p(u) < 0.9);
  }
}

TEST_CASE("wavelet: each iteration brings the bands nearer to their laws") {
  // Matching by rank is the nearest point of the law's values, analysis after synthesis the nearest bands of an image:
  // of alternating projections the distances never grow.
  const SteerablePyramid pyramid(32, 32, 4, 2);
  ImageValues image = uniforms_of(image_stream(6, 0), 32 * 32);
  for (double& value : image) value *= 256;
  double before = 1e300, first = 0;
  for (int iteration = 0; iteration < 12; ++iteration) {
    auto bands = pyramid.analyse(image);
    double distance = 0;
    for (std::size_t b = 0; b + 1 < bands.size(); ++b) {
      const ImageValues old = bands[b];
      const double scale = std::pow(4, std::pow(2, double(pyramid.bands()[b].level)));
      match_values(bands[b], quantiles_of({scale, 0.6, 200}, old.size()));
      for (std::size_t e = 0; e < old.size(); ++e) distance += (bands[b][e] - old[e]) * (bands[b][e] - old[e]);
    }
    CHECK(distance <= before * (1 + 1e-12));
    if (iteration == 1) first = distance;
    before = distance;
    pyramid.synthesise(bands, image);
  }
  CHECK(before < 0.5 * first);
}

TEST_CASE("palette: orthonormal axes, the largest variance first, colours back to their coordinates") {
  std::vector<double> colours(20), blurs(10);
  for (std::uint64_t sample = 0; sample < 200; ++sample) {
    const Palette palette = draw_palette(12, 10, 4, sample);
    REQUIRE((palette.colours >= 3 && palette.colours <= 22 && palette.blur >= 1 && palette.blur <= 10));
    ++colours[std::size_t(palette.colours - 3)];
    ++blurs[std::size_t(palette.blur - 1)];
    ImageValues image;
    for (std::size_t i = 0; i < 3; ++i) {
      const auto& own = palette.coordinates[i];
      CHECK(own.size() == 120);
      CHECK(std::is_sorted(own.begin(), own.end()));
      CHECK(std::fabs(mean(own)) < 1e-10);
      if (i > 0) CHECK(energy(own) <= energy(palette.coordinates[i - 1]));
      for (std::size_t j = 0; j < 3; ++j)
        CHECK(std::fabs(std::inner_product(palette.axes[i].begin(), palette.axes[i].end(), palette.axes[j].begin(),
                                           i == j ? -1.0 : 0.0)) < 1e-12);
      image.insert(image.end(), own.begin(), own.end());
    }
    colour_of_coordinates(palette, image);
    for (std::size_t e = 0; e < 120; e += 17)
      for (std::size_t i = 0; i < 3; ++i) {
        double coordinate = 0;
        for (std::size_t plane = 0; plane < 3; ++plane)
          coordinate += palette.axes[i][plane] * (image[plane * 120 + e] - palette.mean[plane]);
        CHECK(std::fabs(coordinate - palette.coordinates[i][e]) < 1e-10);
      }
  }
  for (const auto* counts : {&colours, &blurs}) {
    double chi_square = 0;
    const double expected = 200.0 / double(counts->size());
    for (const double count : *counts) chi_square += (count - expected) * (count - expected) / expected;
    CHECK(test::chi_square_p(chi_square, double(counts->size() - 1)) > 1e-4);
  }
}

TEST_CASE("palette: the coordinates of an image have the histograms of its palette") {
  for (const bool with_wavelets : {false, true}) {
    StatisticalImage model{"x", 16, 24, 3, PowerSpectrum{{1, 2}, 0.05}, std::nullopt, true, 3};
    if (with_wavelets) model.wavelets = WaveletMarginals{{0.4, 0.8}, 4, 2};
    for (std::uint64_t sample = 0; sample < 3; ++sample) {
      const Record record = draw_statistical_image(model, 9, sample);
      const auto told = nlohmann::json::parse(record.meta("generator"));
      const Palette palette = draw_palette(16, 24, 9, sample);
      CHECK(told["palette"]["colours"] == palette.colours);
      const auto x = record.require("data").values<float>();
      std::array<double, 3> means{};
      for (std::size_t e = 0; e < x.size(); ++e) means[e / 384] += double(x[e]) / 384;
      const double scale = told["scale"];
      for (std::size_t i = 0; i < 3; ++i) {
        ImageValues coordinates(384);
        for (std::size_t e = 0; e < 384; ++e)
          for (std::size_t plane = 0; plane < 3; ++plane)
            coordinates[e] += palette.axes[i][plane] * (double(x[plane * 384 + e]) - means[plane]) / scale;
        std::sort(coordinates.begin(), coordinates.end());
        // Values up to 1 are rounded to 2^-25, three of them and their means.
        for (std::size_t e = 0; e < 384; ++e)
          CHECK(std::fabs(coordinates[e] - palette.coordinates[i][e]) < 6 * 0x1p-25 / scale);
      }
    }
  }
}

}  // namespace
}  // namespace noiseutils
