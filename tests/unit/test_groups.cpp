#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "denoise/group_aggregate.hpp"
#include "denoise/group_denoiser.hpp"
#include "denoise/group_estimate.hpp"
#include "denoise/group_match.hpp"
#include "denoise/multiscale.hpp"
#include "denoise/tiles.hpp"

namespace noiseutils {
namespace {

using Eigen::MatrixXd;

/// Plain numbers without a pattern, in [-1, 1): the fractional parts of multiples of the golden ratio, of squares.
float number_at(std::int64_t i) {
  return static_cast<float>(2 * std::fmod(0.6180339887498949 * static_cast<double>(i * i + 3 * i + 1), 1.0) - 1);
}

FloatPlane plane_of(std::int64_t height, std::int64_t width, std::int64_t seed = 0) {
  FloatPlane plane(height, width);
  for (std::int64_t i = 0; i < height * width; ++i) plane.values[static_cast<std::size_t>(i)] = number_at(i + seed);
  return plane;
}

float reflected_pixel(const FloatPlane& image, std::int64_t r, std::int64_t c) {
  const auto inside = [](std::int64_t at, std::int64_t size) {
    if (at < 0) return -at - 1;
    return at >= size ? 2 * size - 1 - at : at;
  };
  return image.row(inside(r, image.height))[inside(c, image.width)];
}

/// The groups as their definition says, all distances of a window sorted.
std::vector<std::uint32_t> sorted_window(const FloatPlane& image, const MatchSettings& s, std::int64_t row,
                                         std::int64_t column, std::int64_t count) {
  std::vector<std::tuple<float, std::uint32_t>> all;
  for (std::int64_t r = std::max<std::int64_t>(0, row - s.radius);
       r <= std::min(image.height - s.patch, row + s.radius); ++r)
    for (std::int64_t c = std::max<std::int64_t>(0, column - s.radius);
         c <= std::min(image.width - s.patch, column + s.radius); ++c) {
      float sum = 0;
      for (std::int64_t i = -s.ring; i < s.patch + s.ring; ++i)
        for (std::int64_t j = -s.ring; j < s.patch + s.ring; ++j) {
          const float d = reflected_pixel(image, r + i, c + j) - reflected_pixel(image, row + i, column + j);
          sum += d * d;
        }
      if (r == row && c == column) sum = -1;
      all.emplace_back(sum, static_cast<std::uint32_t>(r * image.width + c));
    }
  std::sort(all.begin(), all.end());
  std::vector<std::uint32_t> corners;
  for (std::int64_t i = 0; i < count; ++i) corners.push_back(std::get<1>(all[static_cast<std::size_t>(i)]));
  std::sort(corners.begin(), corners.end());
  return corners;
}

void check_groups(const FloatPlane& image, const MatchSettings& settings, std::int64_t count) {
  const Groups groups = match_groups(std::span(&image, 1), settings);
  REQUIRE(groups.count == count);
  for (std::size_t i = 0; i < groups.rows.size(); ++i)
    for (std::size_t j = 0; j < groups.columns.size(); ++j) {
      const auto group = groups.group(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
      REQUIRE(std::vector<std::uint32_t>(group.begin(), group.end()) ==
              sorted_window(image, settings, groups.rows[i], groups.columns[j], count));
    }
}

/// The positions of one frame of a stack in a window about (row, column), by distance, then place.
std::vector<std::tuple<float, std::uint32_t>> window_of(const FloatPlane& stack, const MatchSettings& s,
                                                        const FloatPlane& reference_frame, std::int64_t reference_row,
                                                        std::int64_t reference_column, std::int64_t frame,
                                                        std::int64_t row, std::int64_t column, std::int64_t radius) {
  const std::int64_t height = stack.height / s.frames;
  FloatPlane image(height, stack.width);
  std::copy_n(stack.row(frame * height), image.values.size(), image.values.begin());
  std::vector<std::tuple<float, std::uint32_t>> all;
  for (std::int64_t r = std::max<std::int64_t>(0, row - radius); r <= std::min(height - s.patch, row + radius); ++r)
    for (std::int64_t c = std::max<std::int64_t>(0, column - radius);
         c <= std::min(stack.width - s.patch, column + radius); ++c) {
      float sum = 0;
      for (std::int64_t i = -s.ring; i < s.patch + s.ring; ++i)
        for (std::int64_t j = -s.ring; j < s.patch + s.ring; ++j) {
          const float d = reflected_pixel(image, r + i, c + j) -
                          reflected_pixel(reference_frame, reference_row + i, reference_column + j);
          sum += d * d;
        }
      all.emplace_back(sum, static_cast<std::uint32_t>((frame * height + r) * stack.width + c));
    }
  std::sort(all.begin(), all.end());
  return all;
}

MatrixXd from_rows(const float* values, std::int64_t rows, std::int64_t columns, std::int64_t leading) {
  MatrixXd result(rows, columns);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) result(i, j) = static_cast<double>(values[i * leading + j]);
  return result;
}

/// A group with some structure and its noisy version.
void fill(GroupWork& work, std::int64_t k, std::int64_t n) {
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const auto at = i * kGroupLeading + j;
      work.x()[at] = 3 + 4 * number_at(i) * number_at(1000 + j) + number_at(5000 + i * n + j);
      work.z()[at] = work.x()[at] + 1.7F * number_at(90000 + i * n + j);
    }
}

MatrixXd centred(const MatrixXd& rows) { return rows.rowwise() - rows.colwise().mean(); }

TEST_CASE("groups: strong contrasts of which almost no noise is left stay finite") {
  // A bright column beside a dark one, as at the border of speckled images; the noise variance is next to nothing.
  for (const float contrast : {1.0F, 30.0F, 1000.0F, 1e5F}) {
    GroupWork work;
    for (std::int64_t i = 0; i < 64; ++i)
      for (std::int64_t j = 0; j < 36; ++j) {
        const double wave = std::sin(static_cast<double>(7 * i + 3 * j)) * (j % 6 == 0 ? 0 : 1);
        const auto at = i * kGroupLeading + j;
        work.x()[at] = contrast * static_cast<float>((i % 5 == 0) == (j % 6 == 0) ? 1.0 : 0.01 * wave);
        work.z()[at] = work.x()[at];
      }
    std::vector<float> z(work.z(), work.z() + 64 * kGroupLeading);
    work.guided_estimate(64, {.noise_variance = 1e-12, .smoothing = Smoothing::average});
    float largest = 0;
    for (std::int64_t i = 0; i < 64; ++i) {
      CHECK(work.weights()[i] >= 1);
      CHECK(work.weights()[i] <= 64);
      for (std::int64_t j = 0; j < 36; ++j) {
        const auto at = static_cast<std::size_t>(i * kGroupLeading + j);
        CHECK(std::isfinite(work.estimate()[at]));
        largest = std::max(largest, std::abs(work.estimate()[at] - z[at]));
      }
    }
    CHECK(largest < 0.5F * contrast);  // single precision does not resolve more
  }
}

}  // namespace

TEST_CASE("groups: the exact nearest patches, as a sort of all distances finds them") {
  check_groups(plane_of(40, 47), {.patch = 6, .ring = 1, .radius = 24, .stride = 5, .count = 64}, 64);
  check_groups(plane_of(40, 70, 9), {.patch = 9, .ring = 0, .radius = 16, .stride = 5, .count = 16}, 16);
  check_groups(plane_of(12, 13), {.patch = 6, .ring = 1, .radius = 24, .stride = 5, .count = 64}, 56);
  check_groups(plane_of(12, 60), {.patch = 6, .ring = 1, .radius = 24, .stride = 4, .count = 64}, 64);
}

TEST_CASE("groups: of equal patches the first ones are taken, and the reference always") {
  check_groups(FloatPlane(50, 64), {.patch = 6, .ring = 1, .radius = 24, .stride = 5, .count = 64}, 64);
  FloatPlane stripes(40, 40);
  for (std::int64_t i = 0; i < 1600; ++i) stripes.values[static_cast<std::size_t>(i)] = static_cast<float>(i % 3);
  check_groups(stripes, {.patch = 6, .ring = 1, .radius = 24, .stride = 5, .count = 64}, 64);
}

TEST_CASE("groups: distances of any scale, infinitely far apart or almost equal") {
  for (const float scale : {1e-18F, 1e-3F, 1e15F}) {
    FloatPlane image = plane_of(30, 33);
    for (float& value : image.values) value *= scale;
    check_groups(image, {.patch = 6, .ring = 1, .radius = 24, .stride = 5, .count = 64}, 64);
  }
}

TEST_CASE("groups: of a stack, windows follow the best match from frame to frame; no patch crosses frames") {
  MatchSettings settings{.patch = 6, .ring = 1, .radius = 9, .stride = 5, .count = 64};
  settings.frames = 4;
  settings.reach = 2;
  settings.follow = 3;
  const std::int64_t height = 22, width = 31;
  const FloatPlane stack = plane_of(4 * height, width, 3);
  const Groups groups = match_groups(std::span(&stack, 1), settings);
  for (std::size_t i = 0; i < groups.rows.size(); ++i)
    for (std::size_t j = 0; j < groups.columns.size(); ++j) {
      const std::int64_t frame = groups.rows[i] / height, row = groups.rows[i] % height, column = groups.columns[j];
      REQUIRE(row <= height - 6);
      FloatPlane own(height, width);
      std::copy_n(stack.row(frame * height), own.values.size(), own.values.begin());
      auto all = window_of(stack, settings, own, row, column, frame, row, column, settings.radius);
      for (const std::int64_t step : {-1, 1}) {
        std::int64_t r = row, c = column;
        for (std::int64_t other = frame + step; std::abs(other - frame) <= 2 && other >= 0 && other < 4;
             other += step) {
          const auto window = window_of(stack, settings, own, row, column, other, r, c, settings.follow);
          const auto best = static_cast<std::int64_t>(std::get<1>(window.front()));
          r = best / width % height;
          c = best % width;
          all.insert(all.end(), window.begin(), window.end());
        }
      }
      std::sort(all.begin(), all.end());
      std::vector<std::uint32_t> corners;
      for (std::size_t l = 0; l < static_cast<std::size_t>(groups.count); ++l) corners.push_back(std::get<1>(all[l]));
      std::sort(corners.begin(), corners.end());
      const auto group = groups.group(static_cast<std::int64_t>(i), static_cast<std::int64_t>(j));
      REQUIRE(std::vector<std::uint32_t>(group.begin(), group.end()) == corners);
    }
}

TEST_CASE("groups: a stack of one scene without noise in the distances finds the scene in all frames") {
  FloatPlane stack(5 * 20, 40);
  const FloatPlane scene = plane_of(20, 40);
  for (std::int64_t frame = 0; frame < 5; ++frame)
    std::copy(scene.values.begin(), scene.values.end(), stack.row(frame * 20));
  MatchSettings settings{.patch = 6, .ring = 1, .radius = 24, .stride = 5, .count = 3};
  settings.frames = 5;
  settings.reach = 1;
  const Groups groups = match_groups(std::span(&stack, 1), settings);
  const std::size_t middle = groups.rows.size() / 2;
  for (std::size_t j = 0; j < groups.columns.size(); ++j) {
    const auto group = groups.group(static_cast<std::int64_t>(middle), static_cast<std::int64_t>(j));
    const auto here = static_cast<std::uint32_t>(groups.rows[middle] * 40 + groups.columns[j]);
    CHECK(std::vector<std::uint32_t>(group.begin(), group.end()) ==
          std::vector<std::uint32_t>{here - 800, here, here + 800});
  }
}

TEST_CASE("groups: left smoothing is the k x k matrix of its definition, weights are the norms of its rows") {
  using Sizes = std::pair<std::int64_t, std::int64_t>;
  for (const Sizes& sizes : {Sizes{64, 36}, Sizes{49, 36}, Sizes{64, 25}, Sizes{13, 25}}) {
    const std::int64_t k = sizes.first, n = sizes.second;
    const double s = 0.8, l = 1.1 * static_cast<double>(n) * s;
    GroupWork work(n);
    fill(work, k, n);
    const MatrixXd x = centred(from_rows(work.x(), k, n, kGroupLeading)), z = from_rows(work.z(), k, n, kGroupLeading);
    work.guided_estimate(k, {.noise_variance = s});
    const MatrixXd smoothing = x * (x.transpose() * x + l * MatrixXd::Identity(n, n)).inverse() * x.transpose() +
                               MatrixXd::Constant(k, k, 1.0 / static_cast<double>(k));
    const MatrixXd expected = smoothing * z;
    CHECK((from_rows(work.estimate(), k, n, kGroupLeading) - expected).cwiseAbs().maxCoeff() < 1e-4);
    for (std::int64_t i = 0; i < k; ++i) {
      const double q = smoothing.row(i).squaredNorm();
      CHECK(static_cast<double>(work.weights()[i]) ==
            doctest::Approx(1 / std::clamp(q, 1.0 / static_cast<double>(k), 1.0)).epsilon(1e-4));
    }
  }
}

TEST_CASE("groups: right smoothing is the posterior mean of the Gaussian that the guide's patches have") {
  const std::int64_t k = 64, n = GroupWork::kPixels;
  const double s = 0.8;
  GroupWork work, left;
  fill(work, k, n);
  fill(left, k, n);
  const MatrixXd guide = from_rows(work.x(), k, n, kGroupLeading), z = from_rows(work.z(), k, n, kGroupLeading);
  work.guided_estimate(k, {.noise_variance = s, .smoothing = Smoothing::average});
  left.guided_estimate(k, {.noise_variance = s, .smoothing = Smoothing::left});
  const MatrixXd right =
      2 * from_rows(work.estimate(), k, n, kGroupLeading) - from_rows(left.estimate(), k, n, kGroupLeading);
  const MatrixXd x = centred(guide), covariance = x.transpose() * x / static_cast<double>(k);
  const MatrixXd wiener = covariance * (covariance + s * MatrixXd::Identity(n, n)).inverse();
  const MatrixXd expected = (centred(z) * wiener.transpose()).rowwise() + z.colwise().mean();
  CHECK((right - expected).cwiseAbs().maxCoeff() < 2e-4);
}

TEST_CASE("groups: the pilot is the matrix Theta of its definition, whose rows sum to 1") {
  for (const std::int64_t pixels : {81, 121}) {
    PilotWork work(pixels);
    for (std::int64_t i = 0; i < pixels * 16; ++i)
      work.patches()[i] = 5 + 3 * number_at(i % 16) * number_at(300 + i / 16) + number_at(7000 + i);
    const MatrixXd y = from_rows(work.patches(), pixels, 16, 16).transpose(), c = centred(y);
    work.pilot_estimate();
    const double noise = static_cast<double>(pixels), alpha = 0.5;
    const MatrixXd unit = MatrixXd::Identity(16, 16);
    const MatrixXd theta = unit - (1 + alpha) * noise * (c * c.transpose() + alpha * noise * unit).inverse() +
                           MatrixXd::Constant(16, 16, (1 + 1 / alpha) / 16);
    CHECK((theta.rowwise().sum().array() - 1).abs().maxCoeff() < 1e-12);
    CHECK((from_rows(work.patches(), pixels, 16, 16).transpose() - theta * y).cwiseAbs().maxCoeff() < 1e-4);
    for (std::int64_t i = 0; i < 16; ++i)
      CHECK(static_cast<double>(work.weights()[i]) ==
            doctest::Approx(1 / std::clamp(theta.row(i).squaredNorm(), 1.0 / 16, 1.0)).epsilon(1e-4));
  }
}

TEST_CASE("groups: box sums equal their definition") {
  const FloatPlane image = plane_of(9, 11);
  const FloatPlane begins = box_sums(image, 4, Box::begins), ends = box_sums(image, 4, Box::ends);
  for (std::int64_t r = 0; r < 9; ++r)
    for (std::int64_t c = 0; c < 11; ++c) {
      double first = 0, last = 0;
      for (std::int64_t i = 0; i < 4; ++i)
        for (std::int64_t j = 0; j < 4; ++j) {
          if (r + i < 9 && c + j < 11) first += static_cast<double>(image.row(r + i)[c + j]);
          if (r >= i && c >= j) last += static_cast<double>(image.row(r - i)[c - j]);
        }
      CHECK(static_cast<double>(begins.row(r)[c]) == doctest::Approx(first).epsilon(1e-5));
      CHECK(static_cast<double>(ends.row(r)[c]) == doctest::Approx(last).epsilon(1e-5));
    }
}

TEST_CASE("groups: a constant image stays as it is, any preset") {
  for (const GroupPreset& preset : group_presets())
    for (const float value : {0.0F, -3.25F}) {
      FloatPlane flat(140, 66);
      std::fill(flat.values.begin(), flat.values.end(), value);
      const std::int64_t frames = value < 0 ? 2 : 1;
      const FloatPlane estimate = denoise_by_groups({flat}, preset, frames).at(0);
      for (const float pixel : estimate.values) REQUIRE(std::abs(pixel - value) < 1e-5F);
    }
}

TEST_CASE("groups: the distance of patches is summed over channels") {
  // Of rows whose differences are 3-4-5 triangles: sqrt(3^2 + 4^2) in two channels is 5 in one.
  std::vector<FloatPlane> two = {FloatPlane(20, 30), FloatPlane(20, 30)};
  FloatPlane one(20, 30);
  for (std::int64_t i = 0; i < 600; ++i) {
    const float value = std::round(64 * number_at(i));
    two[0].values[static_cast<std::size_t>(i)] = 3 * value;
    two[1].values[static_cast<std::size_t>(i)] = -4 * value;
    one.values[static_cast<std::size_t>(i)] = 5 * value;
  }
  const MatchSettings settings{.patch = 6, .ring = 1, .radius = 24, .stride = 5, .count = 64};
  CHECK(match_groups(two, settings).corners == match_groups(std::span(&one, 1), settings).corners);
}

TEST_CASE("groups: a channel without contrast changes nothing, and channels after the first are all alike") {
  const GroupPreset& fast = group_presets().front();
  const FloatPlane first = plane_of(30, 31), second = plane_of(30, 31, 77), third = plane_of(30, 31, 400);
  const auto with_empty = denoise_by_groups({first, FloatPlane(30, 31)}, fast);
  CHECK(denoise_by_groups({first}, fast).at(0).values == with_empty.at(0).values);
  const auto forth = denoise_by_groups({first, second, third}, fast);
  const auto back = denoise_by_groups({first, third, second}, fast);
  for (std::size_t i = 0; i < first.values.size(); ++i) {
    CHECK(std::abs(forth[0].values[i] - back[0].values[i]) < 1e-4F);
    CHECK(std::abs(forth[1].values[i] - back[2].values[i]) < 1e-4F);
    CHECK(std::abs(forth[2].values[i] - back[1].values[i]) < 1e-4F);
  }
}

TEST_CASE("multiscale: half the size keeps a constant's DCT, low cosines, and the strength of white noise") {
  const std::int64_t height = 70, width = 95;
  FloatPlane image(height, width);
  const double pi = std::acos(-1.0);
  for (std::int64_t r = 0; r < height; ++r)
    for (std::int64_t c = 0; c < width; ++c)
      image.row(r)[c] = static_cast<float>(0.5 + std::cos(pi * (static_cast<double>(r) + 0.5) * 7 / 70));
  const FloatPlane half = half_size(image);
  REQUIRE(half.height == 35);
  REQUIRE(half.width == 47);
  const double gain = std::sqrt(70.0 * 95 / (35.0 * 47));
  for (std::int64_t r = 0; r < 35; ++r)
    for (std::int64_t c = 0; c < 47; ++c)
      CHECK(static_cast<double>(half.row(r)[c]) ==
            doctest::Approx(gain * (0.5 + std::cos(pi * (static_cast<double>(r) + 0.5) * 7 / 35))).epsilon(1e-4));
}

TEST_CASE("multiscale: nothing is mixed in with share 0, and an image with its own half gives itself") {
  const FloatPlane image = plane_of(66, 81);
  FloatPlane mixed = image;
  mix_low_frequencies(mixed, plane_of(33, 40, 5), 0);
  CHECK(mixed.values == image.values);
  mix_low_frequencies(mixed, half_size(image), 0.5);
  for (std::size_t i = 0; i < image.values.size(); ++i) CHECK(std::abs(mixed.values[i] - image.values[i]) < 1e-5F);
}

TEST_CASE("tiles: they cover the axis, overlap by 64, and their shares sum to 1") {
  for (const std::int64_t size : {12, 1023, 1088, 1089, 1984, 2048, 2049, 5000, 10000}) {
    const auto spans = tile_spans(size);
    CHECK((size <= 1088) == (spans.size() == 1));
    CHECK(spans.front().begin == 0);
    CHECK(spans.back().begin + spans.back().size == size);
    for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
      CHECK(spans[i].size == kImageTiling.tile);
      CHECK(spans[i].begin + spans[i].size - spans[i + 1].begin == kImageTiling.overlap);
      CHECK(spans[i + 1].size > 2 * kImageTiling.overlap);
      CHECK(spans[i + 1].size <= kImageTiling.tile + kImageTiling.overlap);
    }
    for (std::int64_t at = 0; at < size; ++at) {
      double sum = 0;
      for (std::size_t i = 0; i < spans.size(); ++i) {
        const double share = tile_share(spans, i, at);
        REQUIRE(share >= 0);
        sum += share;
      }
      REQUIRE(sum == doctest::Approx(1).epsilon(1e-15));
    }
  }
}

}  // namespace noiseutils
