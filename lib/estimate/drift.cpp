#include "estimate/drift.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>

#include "base/threads.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kReach = 4;  // of the mask
constexpr std::array<double, 9> kMask = {1 / 256.0,  8 / 256.0,  28 / 256.0, 56 / 256.0, 70 / 256.0,
                                         56 / 256.0, 28 / 256.0, 8 / 256.0,  1 / 256.0};

struct Image {
  std::int64_t height = 0, width = 0;
  std::vector<double> values;
  double at(std::int64_t r, std::int64_t c) const { return values[static_cast<std::size_t>(r * width + c)]; }
};

/// The inside of an image, smoothed; kReach is lost at each side.
Image smoothed(std::span<const double> values, std::int64_t height, std::int64_t width) {
  Image across{height, width - 2 * kReach, {}}, result{height - 2 * kReach, width - 2 * kReach, {}};
  across.values.resize(static_cast<std::size_t>(across.height * across.width));
  result.values.resize(static_cast<std::size_t>(result.height * result.width));
  parallel_blocks(across.height, [&](std::int64_t r) {
    for (std::int64_t c = 0; c < across.width; ++c) {
      double sum = 0;
      for (std::size_t k = 0; k < kMask.size(); ++k)
        sum += kMask[k] * values[static_cast<std::size_t>(r * width + c) + k];
      across.values[static_cast<std::size_t>(r * across.width + c)] = sum;
    }
  });
  parallel_blocks(result.height, [&](std::int64_t r) {
    for (std::int64_t c = 0; c < result.width; ++c) {
      double sum = 0;
      for (std::size_t k = 0; k < kMask.size(); ++k) sum += kMask[k] * across.at(r + static_cast<std::int64_t>(k), c);
      result.values[static_cast<std::size_t>(r * result.width + c)] = sum;
    }
  });
  return result;
}

struct Normal {  // of the least squares, by tile
  std::array<Eigen::Matrix3d, kTiles> left;
  std::array<Eigen::Vector3d, kTiles> right;

  Normal() {
    left.fill(Eigen::Matrix3d::Zero());
    right.fill(Eigen::Vector3d::Zero());
  }
  Eigen::Vector3d solve(std::size_t without) const {
    Eigen::Matrix3d a = Eigen::Matrix3d::Zero();
    Eigen::Vector3d b = Eigen::Vector3d::Zero();
    for (std::size_t tile = 0; tile < kTiles; ++tile)
      if (tile != without) {
        a += left[tile];
        b += right[tile];
      }
    return a.ldlt().solve(b);
  }
};

void add_image(const Image& mean, const Image& capture, Normal& normal) {
  const std::int64_t rows = mean.height - 2, cols = mean.width - 2;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < cols; ++c) {
      const Eigen::Vector3d x(mean.at(r + 1, c + 1), (mean.at(r, c + 1) - mean.at(r + 2, c + 1)) / 2,
                              (mean.at(r + 1, c) - mean.at(r + 1, c + 2)) / 2);
      const std::size_t tile = Plane::tile(r, rows, c, cols);
      normal.left[tile] += x * x.transpose();
      normal.right[tile] += x * capture.at(r + 1, c + 1);
    }
}

Estimated largest(const std::vector<Estimated>& all) {
  const auto found = std::max_element(all.begin(), all.end(), [](const Estimated& a, const Estimated& b) {
    return std::abs(a.value) < std::abs(b.value);
  });
  return found == all.end() ? Estimated{} : Estimated{std::abs(found->value), found->error};
}

}  // namespace

Estimated Drift::largest_brightness() const {
  std::vector<Estimated> all = brightness;
  for (Estimated& one : all) one.value -= 1;
  return largest(all);
}

Estimated Drift::largest_shift() const {
  std::vector<Estimated> all;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const double length = std::hypot(rows[k].value, columns[k].value);
    all.push_back({length, std::hypot(rows[k].error, columns[k].error)});
  }
  return largest(all);
}

Drift drift_of(const Captures& captures) {
  const std::size_t count = captures.captures.size(), planes = captures.first().size();
  const std::int64_t height = captures.first().front().height, width = captures.first().front().width;
  std::vector<Normal> normals(count);
  for (std::size_t plane = 0; plane < planes; ++plane) {
    std::vector<double> sum(static_cast<std::size_t>(height * width), 0);
    for (const auto& capture : captures.captures)
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += capture[plane].values()[i] / static_cast<double>(count);
    const Image mean = smoothed(sum, height, width);
    for (std::size_t k = 0; k < count; ++k)
      add_image(mean, smoothed(captures.captures[k][plane].values(), height, width), normals[k]);
  }
  Drift drift;
  for (const Normal& normal : normals) {
    drift.brightness.push_back(jackknife([&](std::size_t without) { return normal.solve(without)(0); }));
    for (int axis = 1; axis <= 2; ++axis)
      (axis == 1 ? drift.rows : drift.columns).push_back(jackknife([&](std::size_t without) {
        const Eigen::Vector3d solution = normal.solve(without);
        return solution(axis) / solution(0);
      }));
  }
  return drift;
}

}  // namespace noiseutils
