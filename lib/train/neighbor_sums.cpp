#include <algorithm>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "train/moment_state.hpp"
#include "train/regression_sums.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = 256;  // rows that are added up by one thread

/// The four pixels of a cell, row-major.
struct Cell {
  double pixel[4];
  double mean() const { return (pixel[0] + pixel[1] + pixel[2] + pixel[3]) / 4; }
};

/// Cell (y, x) of channel c of a patch of C x 2P x 2P.
template <class T>
Cell cell_of(const T* row, std::int64_t patch, std::int64_t c, std::int64_t y, std::int64_t x) {
  const T* const corner = row + ((c * patch + y) * 2 * 2 * patch) + 2 * x;
  const auto value = [](T v) { return static_cast<double>(v); };
  return {{value(corner[0]), value(corner[1]), value(corner[2 * patch]), value(corner[2 * patch + 1])}};
}

double same_pixel(const Cell& a, const Cell& b) {
  double sum = 0;
  for (int p = 0; p < 4; ++p) sum += a.pixel[p] * b.pixel[p];
  return sum / 4;
}

/// Over the ordered pairs of neighbours 01, 02, 13, 23 and back.
double neighbours(const Cell& a, const Cell& b) {
  const auto both = [&](int p, int q) { return a.pixel[p] * b.pixel[q] + a.pixel[q] * b.pixel[p]; };
  return (both(0, 1) + both(0, 2) + both(1, 3) + both(2, 3)) / 8;
}

template <class T>
class NeighborSums : public RegressionSums {
 public:
  explicit NeighborSums(const VectorLayout& cells)
      : channels_(cells.axes == "CHW" ? cells.shape[0] : 1),
        patch_(cells.patch),
        moments_(cells.dim()),
        same_(static_cast<std::size_t>(cells.dim() * channels_)),
        beside_(same_.size()) {}

  std::int64_t count() const override { return moments_.count(); }
  void add(std::int64_t, const Tensor&) override { throw InternalError("neighbours are of patches"); }

  void add_whole(const Tensor& patches) override {
    const std::span<const T> rows = patches.values<T>();
    const std::int64_t dim = moments_.dim(), n = patches.axis(0), blocks = (n + kBlock - 1) / kBlock;
    std::vector<T> means(static_cast<std::size_t>(n * dim));
    std::vector<std::vector<double>> sums(static_cast<std::size_t>(blocks));
    parallel_blocks(blocks, [&](std::int64_t block) {
      std::vector<double>& sum = sums[static_cast<std::size_t>(block)];
      sum.resize(2 * same_.size());
      for (std::int64_t i = block * kBlock; i < std::min(n, (block + 1) * kBlock); ++i)
        add_patch(rows.data() + i * 4 * dim, means.data() + i * dim, sum);
    });
    for (const auto& sum : sums)
      for (std::size_t i = 0; i < same_.size(); ++i) same_[i] += sum[i], beside_[i] += sum[same_.size() + i];
    moments_.add_whole(means);
  }

  void merge(const RegressionSums& other) override {
    const auto* same = dynamic_cast<const NeighborSums<T>*>(&other);
    if (same == nullptr) throw InternalError("statistics of different kinds cannot be merged");
    moments_.merge(same->moments_);
    for (std::size_t i = 0; i < same_.size(); ++i) same_[i] += same->same_[i], beside_[i] += same->beside_[i];
  }

  void save(Record& state) override {
    save_moments(moments_, state);
    save_pairs(state);
  }
  void save_exactly(Record& state) const override {
    save_moments_exactly(moments_, state);
    save_pairs(state);
  }
  void skip(std::int64_t) override {}  // of patches no block is shared between samples
  void close() override {}

  void load(const Record& state) override {
    moments_ = load_moments<T>(moments_.dim(), state);
    const auto copy = [&](const char* name, std::vector<double>& to) {
      const Tensor& tensor = require_tensor(state, name, DType::F64, sums_shape());
      to.assign(tensor.values<double>().begin(), tensor.values<double>().end());
    };
    copy("same_pixel_sum", same_);
    copy("neighbour_sum", beside_);
  }

  RegressionMoments finish() override {
    const std::int64_t cells = patch_ * patch_, dim = moments_.dim();
    Moments means = finite_moments(moments_);
    RegressionMoments result;
    result.dim = dim;
    result.mean = result.target_mean = std::move(means.mean);
    result.covariance = result.target_cross = std::move(means.covariance);
    const auto n = static_cast<double>(means.count);
    for (std::int64_t cell = 0; cell < cells; ++cell)
      for (std::int64_t a = 0; a < channels_; ++a)
        for (std::int64_t b = 0; b < channels_; ++b) {
          const std::int64_t i = a * cells + cell, j = b * cells + cell;
          const double product = result.mean[static_cast<std::size_t>(i)] * result.mean[static_cast<std::size_t>(j)];
          result.covariance[static_cast<std::size_t>(i * dim + j)] = same_[pair(cell, a, b)] / n - product;
          result.target_cross[static_cast<std::size_t>(i * dim + j)] = beside_[pair(cell, a, b)] / n - product;
        }
    return result;
  }

 private:
  std::size_t pair(std::int64_t cell, std::int64_t a, std::int64_t b) const {
    return static_cast<std::size_t>((cell * channels_ + a) * channels_ + b);
  }
  void save_pairs(Record& state) const {
    state.tensors["same_pixel_sum"] = Tensor::of(sums_shape(), same_);
    state.tensors["neighbour_sum"] = Tensor::of(sums_shape(), beside_);
  }
  Shape sums_shape() const { return {patch_ * patch_, channels_, channels_}; }

  /// The means of its cells, and its part of both sums.
  void add_patch(const T* patch, T* means, std::vector<double>& sum) const {
    const std::int64_t cells = patch_ * patch_;
    std::vector<Cell> one(static_cast<std::size_t>(channels_));
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      for (std::int64_t c = 0; c < channels_; ++c) {
        Cell& here = one[static_cast<std::size_t>(c)];
        here = cell_of(patch, patch_, c, cell / patch_, cell % patch_);
        means[c * cells + cell] = static_cast<T>(here.mean());
      }
      for (std::int64_t a = 0; a < channels_; ++a)
        for (std::int64_t b = 0; b < channels_; ++b) {
          const Cell &left = one[static_cast<std::size_t>(a)], &right = one[static_cast<std::size_t>(b)];
          sum[pair(cell, a, b)] += same_pixel(left, right);
          sum[same_.size() + pair(cell, a, b)] += neighbours(left, right);
        }
    }
  }

  std::int64_t channels_, patch_;
  MomentAccumulator<T> moments_;       // of the cells' means
  std::vector<double> same_, beside_;  // sums over vectors: cells x channels x channels
};

}  // namespace

std::unique_ptr<RegressionSums> neighbor_sums(const VectorLayout& cells) {
  const std::int64_t channels = cells.axes == "CHW" ? cells.shape[0] : 1;
  if (cells.patch < 1 || cells.dim() != channels * cells.patch * cells.patch)  // a state may claim anything
    throw DataError("patches of " + std::to_string(cells.patch) + " pixels do not have shape " +
                    shape_text(cells.shape));
  if (cells.dtype == DType::F64) return std::make_unique<NeighborSums<double>>(cells);
  return std::make_unique<NeighborSums<float>>(cells);
}

}  // namespace noiseutils
