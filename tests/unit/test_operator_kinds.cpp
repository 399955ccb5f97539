// Every operator by known answers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "image_file.hpp"
#include "operator_helpers.hpp"

namespace noiseutils {
namespace {

using namespace test;
using std::numbers::pi;

TEST_CASE("mask: the fraction kept, the same for all channels, another one for each sample") {
  const SampleLayout sample{"CHW", {3, 100, 101}};
  const Vector ones(3 * 100 * 101, 1.0);
  const Vector kept = forward(*make("mask:0.3", sample), ones);
  const double n = 100 * 101, count = std::accumulate(kept.begin(), kept.begin() + 100 * 101, 0.0);
  CHECK(std::abs(count - 0.3 * n) < 4.5 * std::sqrt(0.3 * 0.7 * n));
  for (std::size_t i = 0; i < 100 * 101; ++i) CHECK((kept[i] == kept[i + 10100] && kept[i] == kept[i + 20200]));
  const Vector other = forward(*make("mask:0.3", sample, 4), ones);
  double both = 0;
  for (std::size_t i = 0; i < 100 * 101; ++i) both += kept[i] * other[i];
  CHECK(std::abs(both - 0.09 * n) < 4.5 * std::sqrt(0.09 * 0.91 * n));
  CHECK(forward(*make("mask:1", sample), ones) == ones);
  // HWC: the pixel's channels are neighbours.
  const Vector interleaved = forward(*make("mask:0.5", {"HWC", {5, 7, 3}}), Vector(105, 1.0));
  for (std::size_t i = 0; i < 35; ++i) CHECK(interleaved[3 * i] == interleaved[3 * i + 2]);
}

TEST_CASE("box and mask file: exactly those pixels are lost") {
  const Vector y = forward(*make("box:1,2,3,4", {"CHW", {2, 6, 9}}), Vector(108, 1.0));
  for (std::int64_t i = 0; i < 108; ++i) {
    const std::int64_t row = i / 9 % 6, column = i % 9;
    CHECK(y[static_cast<std::size_t>(i)] == (row >= 1 && row < 4 && column >= 2 && column < 6 ? 0 : 1));
  }
  const ImageFile file(1, 3, {0, 0.2F, -1});
  CHECK(forward(*make("mask:" + file.path(), {"CHW", {2, 1, 3}}), {1, 2, 3, 4, 5, 6}) == Vector{0, 2, 3, 0, 5, 6});
  CHECK_THROWS_AS(make("mask:" + file.path(), {"HW", {3, 1}}), DataError);
}

TEST_CASE("blur: a wave is scaled by exp(-2 pi^2 sigma^2 f^2), a constant stays") {
  const std::int64_t height = 24, width = 35;
  const SampleLayout sample{"HW", {height, width}};
  for (const double sigma : {1.5, 3.0})
    for (const auto& [ky, kx] : {std::pair(0, 0), std::pair(1, 2), std::pair(3, 0), std::pair(0, 5)}) {
      Vector wave;
      for (std::int64_t i = 0; i < height * width; ++i)
        wave.push_back(std::cos(2 * pi *
                                (ky * static_cast<double>(i / width) / static_cast<double>(height) +
                                 kx * static_cast<double>(i % width) / static_cast<double>(width))));
      const double fy = ky / static_cast<double>(height), fx = kx / static_cast<double>(width);
      const double gain = std::exp(-2 * pi * pi * sigma * sigma * (fy * fy + fx * fx));
      const Vector blurred = forward(*make("blur:" + std::to_string(sigma), sample), wave);
      // The nearest repetition of the spectrum, at 1 - 1/7, is below 1e-14 at sigma 1.5.
      for (std::size_t i = 0; i < wave.size(); ++i) CHECK(std::abs(blurred[i] - gain * wave[i]) < 1e-13);
    }
}

TEST_CASE("blur: a point becomes the kernel, centred, of sum 1, wrapped at the borders") {
  const ImageFile file(3, 4, {0, 1, 0, 0, 2, 3, 4, 0, 0, 0, 5, 1});
  Vector point(5 * 6, 0.0);
  point[0] = 1;
  const Vector y = forward(*make("blur:" + file.path(), {"HW", {5, 6}}), point);
  const double values[3][4] = {{0, 1, 0, 0}, {2, 3, 4, 0}, {0, 0, 5, 1}};
  Vector expected(30, 0.0);
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 4; ++column)
      expected[static_cast<std::size_t>((row - 1 + 5) % 5 * 6 + (column - 2 + 6) % 6)] += values[row][column] / 16;
  CHECK(distance(y, expected) < 1e-14);
}

TEST_CASE("motion: length and angle") {
  // Along the columns: the mean over [-L/2, L/2] of hat functions, by the midpoint rule exact to 1/(12 n^2) a kink.
  Vector point(21 * 21, 0.0);
  point[10 * 21 + 10] = 1;
  const Vector across = forward(*make("motion:5,0", {"HW", {21, 21}}), point);
  for (int column = 0; column < 21; ++column) {
    const int d = std::abs(column - 10);
    const double expected = d <= 1 ? 1 : d == 2 ? 0.875 : d == 3 ? 0.125 : 0;
    CHECK(across[static_cast<std::size_t>(10 * 21 + column)] == doctest::Approx(expected / 5).epsilon(0.01));
  }
  // Second moments of a segment at 30 degrees: L^2/12 (cos^2, sin^2) and that of bilinear sharing; rows fall as columns
  // rise.
  const Vector slanted = forward(*make("motion:12,30", {"HW", {21, 21}}), point);
  double sum = 0, mixed = 0, mean = 0;
  for (int row = 0; row < 21; ++row)
    for (int column = 0; column < 21; ++column) {
      const double weight = slanted[static_cast<std::size_t>(row * 21 + column)];
      sum += weight;
      mean += weight * (column - 10);
      mixed += weight * (column - 10) * (row - 10);
    }
  CHECK(sum == doctest::Approx(1).epsilon(1e-12));
  CHECK(std::abs(mean) < 1e-12);
  const double sine = 0.5, cosine = std::sqrt(3.0) / 2, n = 12 * 16;
  // Bilinear weights keep the mean of each point and so the mixed moment, row and column being shared independently.
  CHECK(mixed == doctest::Approx(-144.0 / 12 * (1 - 1 / (n * n)) * sine * cosine).epsilon(1e-12));
}

TEST_CASE("downsample: block means; bicubic: constants stay, and so do straight lines away from the border") {
  CHECK(forward(*make("downsample:2", {"HW", {2, 4}}), {1, 2, 3, 4, 5, 6, 7, 8}) == Vector{3.5, 5.5});
  const auto map = make("bicubic:4", {"HW", {40, 60}});
  CHECK(map->output() == SampleLayout{"HW", {10, 15}});
  Vector ramp;
  for (int i = 0; i < 40 * 60; ++i) ramp.push_back(3 + 0.5 * (i / 60 + 0.5) - 2 * (i % 60 + 0.5));
  const Vector y = forward(*map, ramp);
  for (int row = 2; row < 8; ++row)
    for (int column = 2; column < 13; ++column)
      CHECK(y[static_cast<std::size_t>(row * 15 + column)] ==
            doctest::Approx(3 + 0.5 * 4 * (row + 0.5) - 2 * 4 * (column + 0.5)).epsilon(1e-12));
  for (const double value : forward(*map, Vector(2400, 0.7))) CHECK(value == doctest::Approx(0.7).epsilon(1e-14));
  CHECK(forward(*make("bicubic:1", {"HW", {2, 3}}), {1, 2, 3, 4, 5, 6}) == Vector{1, 2, 3, 4, 5, 6});
}

TEST_CASE("radon: a disc gives 2 sqrt(r^2 - s^2) at every angle") {
  const std::int64_t side = 129;
  const double radius = 40, centre = 64;
  Vector disc;
  for (std::int64_t i = 0; i < side * side; ++i) {  // each pixel by the part of it that is covered, of 8 x 8 points
    int inside = 0;
    for (int k = 0; k < 64; ++k) {
      const double x = static_cast<double>(i % side) - centre + (k % 8 - 3.5) / 8;
      const double y = static_cast<double>(i / side) - centre + (k / 8 - 3.5) / 8;  // NOLINT: whole rows
      inside += x * x + y * y <= radius * radius ? 1 : 0;
    }
    disc.push_back(inside / 64.0);
  }
  const auto map = make("radon:9", {"HW", {side, side}});
  const std::int64_t detectors = map->output().shape[1];
  CHECK(map->output() == SampleLayout{"HW", {9, 2 * 92 + 1}});  // 129 sqrt(2) / 2 = 91.2
  const Vector sinogram = forward(*map, disc);
  for (std::int64_t k = 0; k < 9; ++k) {
    double error = 0, total = 0;
    for (std::int64_t j = 0; j < detectors; ++j) {
      const double s = static_cast<double>(j) - 92;
      const double expected = std::abs(s) < radius ? 2 * std::sqrt(radius * radius - s * s) : 0;
      error += std::abs(sinogram[static_cast<std::size_t>(k * detectors + j)] - expected);
      total += expected;
    }
    CAPTURE(k);
    CHECK(error / total < 0.01);
  }
}

TEST_CASE("radon: where a point is seen, and the row sums at angle 0") {
  // x to the right, y down: a point at (x, y) lies at s = x cos t + y sin t.
  Vector point(41 * 41, 0.0);
  point[(20 + 7) * 41 + 20 - 12] = 1;
  const auto map = make("radon:6", {"HW", {41, 41}});
  const std::int64_t detectors = map->output().shape[1];
  const Vector y = forward(*map, point);
  for (int k = 0; k < 6; ++k) {
    double mass = 0, mean = 0;
    for (std::int64_t j = 0; j < detectors; ++j) {
      mass += y[static_cast<std::size_t>(k * detectors + j)];
      mean += y[static_cast<std::size_t>(k * detectors + j)] * static_cast<double>(j - detectors / 2);
    }
    CHECK(std::abs(mean / mass - (-12 * std::cos(pi * k / 6) + 7 * std::sin(pi * k / 6))) < 0.5);
  }
  const auto two = make("radon:2", {"HW", {2, 3}});
  CHECK(two->output() == SampleLayout{"HW", {2, 5}});  // sqrt(13) / 2 = 1.8
  const Vector sums = forward(*two, {1, 2, 3, 4, 5, 6});
  CHECK(Vector(sums.begin(), sums.begin() + 5) == Vector{0, 5, 7, 9, 0});
  // At 90 degrees the rows lie at s = -1/2 and 1/2, half way between detectors.
  CHECK(Vector(sums.begin() + 5, sums.end()) == Vector{0, 3, 10.5, 7.5, 0});
}

TEST_CASE("fourier: a delta is flat, the whole transform keeps lengths, and its pseudo-inverse the image") {
  Vector delta(5 * 8, 0.0);
  delta[0] = 1;
  const auto whole = make("fourier:1", {"HW", {5, 8}});
  CHECK(whole->output() == SampleLayout{"CHW", {2, 5, 8}});
  const Vector flat = forward(*whole, delta);
  for (std::size_t i = 0; i < 40; ++i) {
    CHECK(flat[i] == doctest::Approx(1 / std::sqrt(40.0)).epsilon(1e-14));
    CHECK(std::abs(flat[40 + i]) < 1e-15);
  }
  const Vector x = random_vector(40, 5);
  CHECK(length(forward(*whole, x)) == doctest::Approx(length(x)).epsilon(1e-13));
  CHECK(distance(pseudo_inverse(*whole, forward(*whole, x)), x) < 1e-13);
  CHECK(distance(adjoint(*whole, forward(*whole, x)), x) < 1e-13);
  // The definition itself.
  const Vector y = forward(*whole, x);
  for (const auto& [ky, kx] : {std::pair(1, 3), std::pair(4, 7), std::pair(2, 4)}) {
    double real = 0, imaginary = 0;
    for (int i = 0; i < 40; ++i) {
      const double phase = -2 * pi * (ky * (i / 8) / 5.0 + kx * (i % 8) / 8.0);
      real += x[static_cast<std::size_t>(i)] * std::cos(phase) / std::sqrt(40.0);
      imaginary += x[static_cast<std::size_t>(i)] * std::sin(phase) / std::sqrt(40.0);
    }
    CHECK(std::abs(y[static_cast<std::size_t>(ky * 8 + kx)] - real) < 1e-13);
    CHECK(std::abs(y[static_cast<std::size_t>(40 + ky * 8 + kx)] - imaginary) < 1e-13);
  }
}

TEST_CASE("fourier: as many rows or points are kept as asked, and the mean always") {
  const Vector x = random_vector(20 * 30, 5);
  for (std::uint64_t number = 0; number < 5; ++number) {
    const Vector rows = forward(*make("fourier:0.3", {"HW", {20, 30}}, number), x);
    int kept = 0;
    for (std::size_t row = 0; row < 20; ++row) {
      const auto count = std::count_if(rows.begin() + static_cast<std::ptrdiff_t>(row * 30),
                                       rows.begin() + static_cast<std::ptrdiff_t>(row * 30 + 30),
                                       [](double value) { return value != 0; });
      CHECK((count == 0 || count == 30));
      kept += count == 30 ? 1 : 0;
    }
    CHECK(kept == 6);
    CHECK(rows[0] != 0);
    const Vector points = forward(*make("fourier:0.25,points", {"HW", {20, 30}}, number), x);
    CHECK(std::count_if(points.begin(), points.begin() + 600, [](double value) { return value != 0; }) == 150);
    CHECK(points[0] != 0);
  }
}

TEST_CASE("random: E |A x|^2 = |x|^2, entries are independent") {
  const Vector x = random_vector(300, 5);
  const auto map = make("random:5000", {"D", {300}});
  const Vector y = forward(*map, x);
  // |A x|^2 M / |x|^2 is chi-squared with M degrees of freedom: standard deviation sqrt(2 / M) of the mean.
  CHECK(std::abs(dot(y, y) / dot(x, x) - 1) < 4.5 * std::sqrt(2.0 / 5000));
  CHECK(map->output() == SampleLayout{"D", {5000}});
  // Longer than a piece of a row: the columns of A from unit vectors have length 1 on average, and none is repeated.
  const auto wide = make("random:500", {"D", {5000}});
  Vector one(5000, 0.0), two(5000, 0.0);
  one[100] = two[100 + 4096] = 1;
  const Vector a = forward(*wide, one);
  const Vector b = forward(*wide, two);
  CHECK(std::abs(dot(a, a) - 1) < 4.5 * std::sqrt(2.0 / 500));
  CHECK(std::abs(dot(a, b)) < 4.5 / std::sqrt(500.0));
  // Entry (i, j) is normal number i d + j of the key, over sqrt(M).
  const auto few = make("random:3", {"D", {5000}});
  const std::vector<float> normals = test::normals<float>(operator_key(7, 3, 0, 0), 0, 15000);
  for (const std::size_t j : std::vector<std::size_t>{0, 100, 4095, 4096, 4999}) {
    Vector unit(5000, 0.0);
    unit[j] = 1;
    const Vector column = forward(*few, unit);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(column[i] == doctest::Approx(static_cast<double>(normals[5000 * i + j]) / std::sqrt(3.0)).epsilon(1e-14));
  }
  // Marchenko-Pastur: the norm of M x d is near 1 + sqrt(d / M), with fluctuations of order M^(-2/3).
  CHECK(make("random:500", {"D", {50}})->norm() == doctest::Approx(1 + std::sqrt(0.1)).epsilon(0.05));
}

}  // namespace
}  // namespace noiseutils
