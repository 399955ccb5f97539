#include "denoise/window_pca.hpp"

#include <Eigen/Dense>
#include <algorithm>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/marchenko_pastur.hpp"

namespace noiseutils {
namespace {

using Matrix = Eigen::MatrixXd;

constexpr std::int64_t kStripRows = 16;  // of window centres that one thread takes, with sums of its own
constexpr std::int64_t kStripsAtOnce = 8;

std::int64_t mirrored(std::int64_t i, std::int64_t size) { return i < 0 ? -i - 1 : i >= size ? 2 * size - 1 - i : i; }

/// The places of centres along an axis: all `step` apart, and the last.
bool is_centre(std::int64_t i, std::int64_t size, std::int64_t step) { return i % step == 0 || i == size - 1; }

/// One window at a time of one strip.
class Windows {
 public:
  Windows(const StackShape& shape, std::span<const double> noisy, double sigma)
      : shape_(shape),
        noisy_(noisy),
        reach_(window_side(shape) / 2),
        reach_z_(shape.is_volume() ? reach_ : 0),
        scale_(1 / (sigma * sigma)) {}

  std::int64_t reach() const { return reach_; }

  /// Adds the estimate of the window about (z, y, x) to sum (planes x depth x rows x width, its rows from `first_row`
  /// on) and 1 to count (depth x rows x width).
  void add(std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t first_row, std::int64_t rows,
           std::vector<double>& sum, std::vector<double>& count) {
    const std::int64_t side = 2 * reach_ + 1, deep = 2 * reach_z_ + 1, q = deep * side * side;
    window_.resize(shape_.planes, q);
    places_.clear();
    for (std::int64_t dz = -reach_z_; dz <= reach_z_; ++dz)
      for (std::int64_t dy = -reach_; dy <= reach_; ++dy)
        for (std::int64_t dx = -reach_; dx <= reach_; ++dx) places_.push_back({z + dz, y + dy, x + dx});
    for (std::int64_t k = 0; k < q; ++k) {
      const Place& at = places_[static_cast<std::size_t>(k)];
      const std::int64_t offset =
          (mirrored(at.z, shape_.depth) * shape_.height + mirrored(at.y, shape_.height)) * shape_.width +
          mirrored(at.x, shape_.width);
      for (std::int64_t m = 0; m < shape_.planes; ++m)
        window_(m, k) = noisy_[static_cast<std::size_t>(m * shape_.voxels() + offset)];
    }
    estimate_.noalias() = filter() * window_;
    for (std::int64_t k = 0; k < q; ++k) {
      const Place& at = places_[static_cast<std::size_t>(k)];
      if (at.z < 0 || at.z >= shape_.depth || at.y < 0 || at.y >= shape_.height || at.x < 0 || at.x >= shape_.width)
        continue;
      const std::int64_t offset = (at.z * rows + at.y - first_row) * shape_.width + at.x;
      count[static_cast<std::size_t>(offset)] += 1;
      for (std::int64_t m = 0; m < shape_.planes; ++m)
        sum[static_cast<std::size_t>(m * shape_.depth * rows * shape_.width + offset)] += estimate_(m, k);
    }
  }

 private:
  struct Place {
    std::int64_t z, y, x;
  };

  /// sum_k g_k u_k u_k^T
  Matrix filter() {
    gram_.noalias() = window_ * window_.transpose();
    solver_.compute(gram_);
    const auto q = static_cast<double>(window_.cols());
    const double beta = static_cast<double>(window_.rows()) / q;
    Eigen::VectorXd gains = solver_.eigenvalues();
    for (double& value : gains) value = singular_value_gain(value * scale_ / q, beta);
    return solver_.eigenvectors() * gains.asDiagonal() * solver_.eigenvectors().transpose();
  }

  const StackShape& shape_;
  std::span<const double> noisy_;
  std::int64_t reach_, reach_z_;
  double scale_;
  Matrix window_, gram_, estimate_;
  std::vector<Place> places_;
  Eigen::SelfAdjointEigenSolver<Matrix> solver_;
};

/// What the windows with centres in some rows say.
struct Strip {
  std::int64_t first_row = 0, rows = 0;  // that they reach
  std::vector<double> sum, count;
};

Strip strip_of(const StackShape& shape, std::span<const double> noisy, double sigma, std::int64_t step,
               std::int64_t first_centre) {
  Windows windows(shape, noisy, sigma);
  const std::int64_t end = std::min(shape.height, first_centre + kStripRows);
  Strip strip;
  strip.first_row = std::max<std::int64_t>(0, first_centre - windows.reach());
  strip.rows = std::min(shape.height, end + windows.reach()) - strip.first_row;
  strip.count.assign(static_cast<std::size_t>(shape.depth * strip.rows * shape.width), 0.0);
  strip.sum.assign(strip.count.size() * static_cast<std::size_t>(shape.planes), 0.0);
  for (std::int64_t z = 0; z < shape.depth; ++z)
    for (std::int64_t y = first_centre; y < end; ++y)
      for (std::int64_t x = 0; x < shape.width; ++x)
        if (is_centre(z, shape.depth, step) && is_centre(y, shape.height, step) && is_centre(x, shape.width, step))
          windows.add(z, y, x, strip.first_row, strip.rows, strip.sum, strip.count);
  return strip;
}

}  // namespace

StackShape stack_shape(const std::string& axes, const Shape& shape) {
  const std::size_t rank = axes.size();
  if (rank < 3 || axes[rank - 2] != 'H' || axes[rank - 1] != 'W')
    throw DataError("mp-pca wants a stack of images or volumes, axes such as THW, CHW or TZHW, not " + axes);
  StackShape stack{1, 1, shape[rank - 2], shape[rank - 1]};
  std::size_t leading = rank - 2;
  if (leading > 1 && (axes[leading - 1] == 'Z' || axes[leading - 1] == 'D')) stack.depth = shape[--leading];
  for (std::size_t i = 0; i < leading; ++i) stack.planes *= shape[i];
  if (stack.planes < 2)
    throw DataError("mp-pca learns from what planes have in common: there is one in " + shape_text(shape));
  const std::int64_t side = window_side(stack);
  const std::int64_t least = std::min({stack.height, stack.width, stack.is_volume() ? stack.depth : stack.width});
  if (side / 2 > least)
    throw DataError("mp-pca needs windows of " + std::to_string(side) + " for " + std::to_string(stack.planes) +
                    " planes; " + shape_text(shape) + " is smaller");
  return stack;
}

std::int64_t window_side(const StackShape& shape) {
  std::int64_t side = 3;
  while ((shape.is_volume() ? side : 1) * side * side < shape.planes) side += 2;
  return side;
}

void denoise_by_windows(const StackShape& shape, std::span<const double> noisy, double sigma, std::int64_t step,
                        std::span<double> estimate) {
  std::vector<double> count(static_cast<std::size_t>(shape.voxels()), 0.0);
  std::fill(estimate.begin(), estimate.end(), 0.0);
  const std::int64_t strips = (shape.height + kStripRows - 1) / kStripRows;
  for (std::int64_t first = 0; first < strips; first += kStripsAtOnce) {
    std::vector<Strip> wave(static_cast<std::size_t>(std::min(kStripsAtOnce, strips - first)));
    parallel_blocks(static_cast<std::int64_t>(wave.size()), [&](std::int64_t i) {
      wave[static_cast<std::size_t>(i)] = strip_of(shape, noisy, sigma, step, (first + i) * kStripRows);
    });
    for (const Strip& strip : wave) {
      const std::int64_t piece = strip.rows * shape.width;
      for (std::int64_t line = 0; line < (shape.planes + 1) * shape.depth; ++line) {  // the last plane is the count's
        const bool counts = line >= shape.planes * shape.depth;
        const std::int64_t own = counts ? line - shape.planes * shape.depth : line;
        const double* const from = (counts ? strip.count : strip.sum).data() + own * piece;
        double* const to =
            (counts ? count.data() : estimate.data()) + (own * shape.height + strip.first_row) * shape.width;
        for (std::int64_t i = 0; i < piece; ++i) to[i] += from[i];
      }
    }
  }
  for (std::size_t i = 0; i < estimate.size(); ++i) estimate[i] /= count[i % count.size()];
}

}  // namespace noiseutils
