#include "linalg/nystrom_sketch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "linalg/panel_kernels.hpp"
#include "linalg/sketch_kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kChunk = 4096;  // columns that one thread projects: its sums are kept until all are there
constexpr std::int64_t kPiece = 512;   // of them at a time, for a mean and what is about it from the same cache
constexpr std::int64_t kStride = kPiece + 16;  // of a copy of a piece: rows a power of 2 apart would share few lines
constexpr std::int64_t kTile = 192;  // columns of the data multiplied at a time: a multiple of every kernel's lanes
constexpr std::int64_t kWaveNumbers = std::int64_t{1} << 19;  // in the means of a wave, about
constexpr std::int64_t kRowsAtATime = 4096;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kNoise = 10;  // of products in T, in its epsilon, relative to the largest eigenvalue: a bound

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t rounded_up(std::int64_t n, std::int64_t unit) { return (n + unit - 1) / unit * unit; }

template <class T>
void fetch(const T* from, std::int64_t count) {
  constexpr std::int64_t kLine = 64 / sizeof(T);
  for (std::int64_t i = 0; i < count; i += kLine) __builtin_prefetch(from + i);
}

/// Omega^T F for a factor of as many columns, made symmetric: what rounding leaves of asymmetry is dropped.
std::vector<double> projected(const SparseSigns& omega, const TallFactor& factor) {
  const std::int64_t n = factor.columns, rows = std::max(kRowsAtATime, (factor.dim + 63) / 64);
  std::vector<std::vector<double>> parts(index((factor.dim + rows - 1) / rows));
  parallel_blocks(std::ssize(parts), [&](std::int64_t part) {
    auto& sums = parts[index(part)];
    sums.resize(index(n * n));
    std::vector<double> row(index(n));
    for (std::int64_t j = part * rows; j < std::min(factor.dim, (part + 1) * rows); ++j) {
      std::fill(row.begin(), row.end(), 0.0);
      omega.add_row(j, 1, row.data());
      const double* const own = factor.values.data() + j * factor.leading;
      for (std::int64_t l = 0; l < n; ++l) {
        if (row[index(l)] == 0) continue;
        double* const to = sums.data() + l * n;
        for (std::int64_t k = 0; k < n; ++k) to[k] += row[index(l)] * own[k];
      }
    }
  });
  std::vector<double> result(index(n * n));
  for (const auto& part : parts)
    for (std::int64_t c = 0; c < n; ++c)
      for (std::int64_t r = 0; r < n; ++r)
        result[index(c * n + r)] += (part[index(c * n + r)] + part[index(r * n + c)]) / 2;
  return result;
}

}  // namespace

template <class T>
NystromSketch<T>::NystromSketch(std::int64_t dim, std::int64_t columns, std::uint64_t seed)
    : omega_(dim, columns, seed), edges_(dim) {
  const std::int64_t leading = rounded_up(columns, panel_kernels<T>().lanes);
  total_.mean.resize(index(dim));
  total_.product = {dim, columns, leading, std::vector<double>(index(rounded_up(dim, kTile) * leading))};
}

template <class T>
void NystromSketch<T>::add(std::int64_t first, std::span<const T> rows) {
  edges_.add(first, rows, take());
}

template <class T>
typename EdgeRows<T>::Take NystromSketch<T>::take() {
  return [this](const T* rows, std::int64_t count) { add_whole({rows, index(count * dim())}); };
}

template <class T>
std::int64_t NystromSketch<T>::blocks_per_wave() const {
  return std::clamp<std::int64_t>(kWaveNumbers / dim(), 1, 16);
}

template <class T>
void NystromSketch<T>::add_whole(std::span<const T> rows) {
  const std::int64_t n = std::ssize(rows) / dim(), most = blocks_per_wave() * kBlock;
  for (std::int64_t i = 0; i < n; i += most) {
    Wave wave(rows.data() + i * dim(), std::min(most, n - i), dim());
    add_wave(wave);
  }
}

/// The means of the blocks, and Z = (X - m) Omega / scale of each.
template <class T>
void NystromSketch<T>::project(Wave& wave) const {
  constexpr std::int64_t kStrip = SketchKernels<T>::kStrip;
  const SketchKernels<T>& kernels = sketch_kernels<T>();
  const std::int64_t d = dim(), columns = omega_.columns(), per_row = omega_.per_row();
  const std::int64_t chunks = (d + kChunk - 1) / kChunk;
  std::vector<std::vector<T>> parts(index(wave.blocks * chunks));  // strips of rows, columns x kStrip each
  std::vector<double> squares(parts.size());
  parallel_blocks(std::ssize(parts), [&](std::int64_t part) {
    const std::int64_t block = part / chunks, n = wave.rows_of(block);
    std::vector<T>& sums = parts[index(part)];
    sums.assign(index(rounded_up(n, kStrip) * columns), T(0));
    std::vector<T> lines(index(n * kStride));
    const std::int64_t end = std::min(d, (part % chunks + 1) * kChunk);
    for (std::int64_t first = part % chunks * kChunk; first < end; first += kPiece) {
      const std::int64_t width = std::min(kPiece, end - first);
      const T* const x = wave.rows + block * kBlock * d + first;
      double* const mean = wave.means.data() + block * d + first;
      T* const high = wave.high.data() + block * d + first;
      T* const low = wave.low.data() + block * d + first;
      kernels.add_rows(n, width, x, d, mean, lines.data(), kStride);
      for (std::int64_t j = 0; j < width; ++j) {
        mean[j] /= static_cast<double>(n);
        high[j] = static_cast<T>(mean[j]);
        low[j] = static_cast<T>(mean[j] - static_cast<double>(high[j]));
      }
      const T* const next = first + 2 * kPiece <= end ? x + kPiece : nullptr;
      for (std::int64_t i = 0; i < n; i += kStrip)
        squares[index(part)] += kernels.add_signed(std::min(kStrip, n - i), width, lines.data() + i * kStride, kStride,
                                                   high, low, omega_.entries().data() + first * per_row, per_row,
                                                   sums.data() + i * columns, next == nullptr ? next : next + i * d, d);
    }
  });
  for (std::int64_t part = 0; part < std::ssize(squares); ++part)
    wave.squares[index(part / chunks)] += squares[index(part)];
  parallel_blocks(wave.blocks, [&](std::int64_t block) {
    gather(wave, block, std::span<const std::vector<T>>(parts).subspan(index(block * chunks), index(chunks)));
  });
}

/// The sum of the chunks' parts as panels, panel after panel: of `lanes` columns, row after row.
template <class T>
void NystromSketch<T>::gather(Wave& wave, std::int64_t block, std::span<const std::vector<T>> parts) const {
  constexpr std::int64_t kStrip = SketchKernels<T>::kStrip;
  const std::int64_t lanes = panel_kernels<T>().lanes, columns = omega_.columns(), n = wave.rows_of(block);
  std::vector<T>& panels = wave.projections[index(block)];
  panels.assign(index(total_.product.leading * n), T(0));
  std::vector<double> sum(index(kStrip));
  for (std::int64_t strip = 0; strip < n; strip += kStrip)
    for (std::int64_t l = 0; l < columns; ++l) {
      std::fill(sum.begin(), sum.end(), 0.0);
      for (const std::vector<T>& part : parts)
        for (std::int64_t i = 0; i < kStrip; ++i)
          sum[index(i)] += static_cast<double>(part[index(strip * columns + l * kStrip + i)]);
      T* const to = panels.data() + l / lanes * lanes * n + strip * lanes + l % lanes;
      for (std::int64_t i = 0; i < std::min(kStrip, n - strip); ++i) to[i * lanes] = static_cast<T>(sum[index(i)]);
    }
}

/// Adds (X - m)^T Z, and the part of its mean, of one block after the other to a tile of columns of X: rows of Y. In
/// that order, so that the bits do not depend on which blocks come together.
template <class T>
void NystromSketch<T>::multiply(const Wave& wave, std::int64_t first) {
  const PanelKernels<T>& kernels = panel_kernels<T>();
  const std::int64_t d = dim(), leading = total_.product.leading, lanes = kernels.lanes;
  const std::int64_t end = std::min(first + kTile, d);
  double* const product = total_.product.values.data();
  std::vector<T> panels;
  for (std::int64_t block = 0; block < wave.blocks; ++block) {
    const std::int64_t n = wave.rows_of(block), at = block * d + first;
    panels.resize(index(n * kTile));
    sketch_kernels<T>().center(n, end - first, wave.rows + block * kBlock * d + first, d, wave.high.data() + at,
                               wave.low.data() + at, lanes, panels.data());
    // What is centred next is fetched meanwhile, little by little: from memory that costs as much as half of the
    // product.
    const bool last = block + 1 == wave.blocks;
    const std::int64_t wanted = last ? 0 : block + 1, from = last ? first + kTile : first;
    const std::int64_t rows = from + kTile <= d ? wave.rows_of(wanted) : 0;
    std::int64_t fetched = 0;
    for (std::int64_t j = 0; j < end - first; j += kernels.width) {
      const std::int64_t until = rows * (j + kernels.width) / kTile;
      for (; fetched < until; ++fetched) fetch(wave.rows + (wanted * kBlock + fetched) * d + from, kTile);
      for (std::int64_t l = 0; l < leading; l += lanes)
        kernels.add_to_double(n, wave.projections[index(block)].data() + l * n,
                              panels.data() + j / lanes * lanes * n + j % lanes, lanes,
                              product + (first + j) * leading + l, leading);
    }
    sketch_kernels<T>().add_outer(end - first, omega_.columns(), wave.shifts.data() + at,
                                  wave.sketched[index(block)].data(), product + first * leading, leading);
  }
}

/// What the mean of each block contributes is of rank one, by its distance from the mean of all rows before it.
template <class T>
void NystromSketch<T>::shift_means(Wave& wave) {
  const std::int64_t d = dim();
  for (std::int64_t b = 0; b < wave.blocks; ++b) {
    const double n = static_cast<double>(wave.rows_of(b)), before = static_cast<double>(total_.count);
    const double weight = std::sqrt(before * n / (before + n)), share = n / (before + n);
    const double* const mean = wave.means.data() + b * d;
    double* const shift = wave.shifts.data() + b * d;
    double* const all = total_.mean.data();
    for (std::int64_t j = 0; j < d; ++j) {
      const double delta = mean[j] - all[j];
      shift[j] = weight * delta;
      all[j] += delta * share;
      wave.squares[index(b)] += shift[j] * shift[j];
    }
    total_.count += wave.rows_of(b);
    total_.squares += wave.squares[index(b)];
  }
  // The kernels' product has entries +-1 for Omega: Y is kept over its scale.
  parallel_blocks(wave.blocks, [&](std::int64_t b) {
    wave.sketched[index(b)] = omega_.transposed_times(wave.shifts.data() + b * d);
    for (double& value : wave.sketched[index(b)]) value /= omega_.scale();
  });
}

template <class T>
void NystromSketch<T>::add_wave(Wave& wave) {
  project(wave);
  shift_means(wave);
  parallel_blocks((dim() + kTile - 1) / kTile, [&](std::int64_t tile) { multiply(wave, tile * kTile); });
}

template <class T>
void NystromSketch<T>::merge_sums(const Sums& other) {
  if (other.count == 0) return;
  const double n_a = static_cast<double>(total_.count), n_b = static_cast<double>(other.count);
  const double weight = n_a * n_b / (n_a + n_b);
  std::vector<double> shift(index(dim()));
  for (std::size_t j = 0; j < shift.size(); ++j) shift[j] = other.mean[j] - total_.mean[j];
  const std::vector<double> sketched = omega_.transposed_times(shift.data());
  total_.squares += other.squares;
  for (std::size_t j = 0; j < shift.size(); ++j) {
    double* const ours = total_.product.values.data() + j * index(total_.product.leading);
    const double* const theirs = other.product.values.data() + j * index(other.product.leading);
    for (std::size_t l = 0; l < sketched.size(); ++l)
      ours[l] += theirs[l] + weight * shift[j] * sketched[l] / omega_.scale();
    total_.squares += weight * shift[j] * shift[j];
    total_.mean[j] += shift[j] * (n_b / (n_a + n_b));
  }
  total_.count += other.count;
}

template <class T>
void NystromSketch<T>::merge(const NystromSketch& other) {
  if (omega_.rows() != other.omega_.rows() || omega_.entries() != other.omega_.entries())
    throw InternalError("sketches by different test matrices do not merge");
  merge_sums(other.total_);
  edges_.merge(other.edges_, take());
}

template <class T>
SketchedCovariance NystromSketch<T>::finish(std::int64_t rank) {
  edges_.flush(take());
  if (total_.count == 0) throw InternalError("a sketch of no rows");
  const double n = static_cast<double>(total_.count);
  const std::int64_t columns = omega_.columns();
  TallFactor factor = std::move(total_.product);
  SketchedCovariance result{total_.count, std::move(total_.mean), total_.squares / n, {}, {}};
  for (double& value : factor.values) value *= omega_.scale() / n;
  if (!std::isfinite(result.trace)) return result;  // and nothing else that is finite
  // C + nu I has no eigenvalue that rounding in double makes negative. What the rounding of products in T leaves is
  // cut off below instead: a nu for float would take d / L times as much from every eigenvalue.
  double squares = 0;  // of Y: its Frobenius norm is at most sqrt(L) times the largest singular value that is asked for
  for (const double value : factor.values) squares += value * value;
  const double nu = std::sqrt(static_cast<double>(dim()) * squares) * kEpsilon;
  parallel_blocks((dim() + kRowsAtATime - 1) / kRowsAtATime, [&](std::int64_t block) {
    for (std::int64_t j = block * kRowsAtATime; j < std::min(dim(), (block + 1) * kRowsAtATime); ++j)
      omega_.add_row(j, nu, factor.values.data() + j * factor.leading);
  });
  SmallEigen inner = falling_eigen(columns, projected(omega_, factor));
  // In place of a Cholesky factor, which there is none of where Omega has dependent columns (L near d).
  std::int64_t kept = 0;
  const double rounding = std::max(static_cast<double>(columns) * kEpsilon,
                                   kNoise * static_cast<double>(std::numeric_limits<T>::epsilon()));
  while (kept < columns && inner.values[index(kept)] > rounding * inner.values.front()) ++kept;
  for (std::int64_t k = 0; k < kept; ++k)
    for (std::int64_t l = 0; l < columns; ++l)
      inner.vectors[index(k * columns + l)] /= std::sqrt(inner.values[index(k)]);
  multiply_right(factor, inner.vectors, kept);
  result.eigenvalues = leading_eigenpairs(factor, rank, 2 * nu);
  for (double& value : result.eigenvalues) value -= nu;
  result.eigenvectors = std::move(factor);
  return result;
}

template class NystromSketch<float>;
template class NystromSketch<double>;

}  // namespace noiseutils
