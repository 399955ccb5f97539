#include "metric/unsupervised_blocks.hpp"

#include <algorithm>

#include "base/threads.hpp"
#include "metric/kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kTile = 512, kLeastBlocks = 64;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// A sample as planes of rows; a vector is one row.
struct Planes {
  std::int64_t planes = 1, height = 1, width = 1;
};
Planes planes_of(const Shape& shape) {
  Planes result;
  if (shape.empty()) return result;
  result.width = shape.back();
  if (shape.size() > 1) result.height = shape[shape.size() - 2];
  for (std::size_t i = 0; i + 2 < shape.size(); ++i) result.planes *= shape[i];
  return result;
}

template <class Real>
void fill(UnsupervisedBlocks& blocks, UnsupervisedForm form, const Tensor& f, const std::vector<Tensor>& references,
          const Planes& at, std::int64_t side) {
  const auto& kernels = metric_kernels().sums(Real{});
  const auto kernel = form == UnsupervisedForm::three ? kernels.three_terms : kernels.pair_terms;
  const int count = static_cast<int>(references.size());
  std::vector<const Real*> starts;
  for (const Tensor& reference : references) starts.push_back(reference.values<Real>().data());
  const Real* const data = f.values<Real>().data();

  const std::int64_t tile = std::max<std::int64_t>(1, kTile / side) * side, tiles = ceil_div(at.width, tile);
  std::vector<double> sums(static_cast<std::size_t>(blocks.rows * tiles));
  parallel_blocks(blocks.rows * tiles, [&](std::int64_t unit) {
    const std::int64_t band = unit / tiles, left = unit % tiles * tile, columns = std::min(tile, at.width - left);
    const std::int64_t top = band * side, bottom = std::min(top + side, at.height);
    // Sums of columns first, over all rows of the band and all planes: whole vectors at a time.
    std::vector<double> u(static_cast<std::size_t>(columns)), z(u.size()), w(u.size());
    std::vector<const Real*> rows(starts.size());
    for (std::int64_t plane = 0; plane < at.planes; ++plane)
      for (std::int64_t y = top; y < bottom; ++y) {
        const std::int64_t offset = (plane * at.height + y) * at.width + left;
        for (std::size_t k = 0; k < starts.size(); ++k) rows[k] = starts[k] + offset;
        kernel(data + offset, rows.data(), count, columns, u.data(), z.data(), w.data());
      }
    double& sum = sums[static_cast<std::size_t>(unit)];
    for (std::int64_t x = 0; x < columns; x += side) {
      const auto block = static_cast<std::size_t>(band * blocks.columns + (left + x) / side);
      const std::int64_t end = std::min(x + side, columns);
      for (auto i = static_cast<std::size_t>(x); i < static_cast<std::size_t>(end); ++i) {
        sum += u[i];
        blocks.z[block] += z[i];
        blocks.w[block] += w[i];
      }
      blocks.size[block] = static_cast<double>((end - x) * (bottom - top) * at.planes);
    }
  });
  for (const double sum : sums) blocks.sum += sum;
}

void make_grid(UnsupervisedBlocks& blocks, std::int64_t rows, std::int64_t columns) {
  blocks.rows = rows;
  blocks.columns = columns;
  for (auto* values : {&blocks.z, &blocks.w, &blocks.size}) values->assign(static_cast<std::size_t>(rows * columns), 0);
}

double centred_squares(const std::vector<double>& sums, const std::vector<double>& size, double elements) {
  double mean = 0, squares = 0;
  for (const double sum : sums) mean += sum / elements;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double rest = sums[i] - size[i] * mean;
    squares += rest * rest;
  }
  const auto count = static_cast<double>(sums.size());
  return squares * count / (count - 1);  // of one block 0 * inf: NaN
}

}  // namespace

UnsupervisedBlocks unsupervised_blocks(UnsupervisedForm form, const Tensor& f, const std::vector<Tensor>& references,
                                       std::int64_t side) {
  const Planes at = planes_of(f.shape());
  side = std::min(side, std::max(at.height, at.width));
  while (side > 1 && ceil_div(at.height, side) * ceil_div(at.width, side) < kLeastBlocks) side /= 2;
  UnsupervisedBlocks blocks;
  blocks.elements = static_cast<double>(f.size());
  blocks.side = side;
  make_grid(blocks, ceil_div(at.height, side), ceil_div(at.width, side));
  const auto k = static_cast<double>(references.size());
  if (form == UnsupervisedForm::three) {
    blocks.excess = 1.5;
    blocks.least_share = 4 / 5.5;
  } else if (references.size() > 2) {
    blocks.excess = 2 * (k - 2) / (k * k * (k - 1));
    blocks.least_share = k / (2 * (k - 1));
  }
  if (f.dtype() == DType::F32)
    fill<float>(blocks, form, f, references, at, side);
  else
    fill<double>(blocks, form, f, references, at, side);
  return blocks;
}

UnsupervisedBlocks coarsened(const UnsupervisedBlocks& blocks, std::int64_t most) {
  std::int64_t step = 1;
  while (ceil_div(blocks.rows, step) * ceil_div(blocks.columns, step) > most) ++step;
  UnsupervisedBlocks coarse = blocks;
  make_grid(coarse, ceil_div(blocks.rows, step), ceil_div(blocks.columns, step));
  for (std::int64_t y = 0; y < blocks.rows; ++y)
    for (std::int64_t x = 0; x < blocks.columns; ++x) {
      const auto from = static_cast<std::size_t>(y * blocks.columns + x);
      const auto to = static_cast<std::size_t>(y / step * coarse.columns + x / step);
      coarse.z[to] += blocks.z[from];
      coarse.w[to] += blocks.w[from];
      coarse.size[to] += blocks.size[from];
    }
  return coarse;
}

BlockVariance variance_of_sum(const UnsupervisedBlocks& blocks) {
  const double whole = centred_squares(blocks.z, blocks.size, blocks.elements);
  if (blocks.excess == 0 || whole == 0) return {whole, 1};
  const double rest = whole - blocks.excess * centred_squares(blocks.w, blocks.size, blocks.elements);
  const double value = std::max(rest, blocks.least_share * whole);
  return {value, value / whole};
}

}  // namespace noiseutils
