#include "model/softmax_sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/threads.hpp"
#include "linalg/batch_product.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = 256;             // rows that are centred and multiplied at a time: in the second cache
constexpr std::int64_t kLeastSegment = 4096;     // rows of a piece of work ...
constexpr std::int64_t kMostSegments = 16;       // ... of which there are so few that their sums fit the memory
constexpr std::int64_t kQueries = 64;            // of a piece of work
constexpr std::int64_t kWaveElements = 1 << 19;  // of the queries handed over at once

double weight(double below_top, double t) { return t > 0 ? std::exp(below_top / t) : (below_top == 0 ? 1.0 : 0.0); }

double dot(const double* a, const double* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t j = 0; j < n; ++j) sum += a[j] * b[j];
  return sum;
}

template <class T>
void centre_rows(const T* from, const std::vector<double>& centre, std::int64_t rows, double* to) {
  const auto dim = static_cast<std::int64_t>(centre.size());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < dim; ++j)
      to[i * dim + j] = static_cast<double>(from[i * dim + j]) - centre[static_cast<std::size_t>(j)];
}

/// Adds the rows of `other` that stand at [first, first + n) of `all`, both scaled to the larger maximum.
void merge_into(SoftmaxSums& all, const SoftmaxSums& other, std::int64_t first, std::int64_t dim, double t) {
  for (std::size_t k = 0; k < other.top.size(); ++k) {
    const std::size_t q = static_cast<std::size_t>(first) + k;
    const double top = std::max(all.top[q], other.top[k]);
    const double own = weight(all.top[q] - top, t), added = weight(other.top[k] - top, t);
    all.top[q] = top;
    all.total[q] = all.total[q] * own + other.total[k] * added;
    double* const to = all.sum.data() + q * static_cast<std::size_t>(dim);
    const double* const from = other.sum.data() + k * static_cast<std::size_t>(dim);
    for (std::int64_t j = 0; j < dim; ++j) to[j] = to[j] * own + from[j] * added;
  }
}

SoftmaxSums empty_sums(std::int64_t queries, std::int64_t dim) {
  const auto n = static_cast<std::size_t>(queries);
  return {std::vector<double>(n, -std::numeric_limits<double>::infinity()), std::vector<double>(n),
          std::vector<double>(n * static_cast<std::size_t>(dim))};
}

}  // namespace

SoftmaxTable::SoftmaxTable(Tensor table, std::vector<double> centre)
    : table_(std::move(table)), centre_(std::move(centre)), half_squares_(static_cast<std::size_t>(rows())) {
  parallel_blocks(segments(), [&](std::int64_t segment) {
    for_blocks(segment, [&](std::int64_t first, std::int64_t count, const double* block) {
      for (std::int64_t i = 0; i < count; ++i)
        half_squares_[static_cast<std::size_t>(first + i)] = dot(block + i * dim(), block + i * dim(), dim()) / 2;
    });
  });
}

std::int64_t SoftmaxTable::wave() const {
  return std::clamp<std::int64_t>(kWaveElements / dim(), kQueries / 2, 4 * kQueries);
}

std::int64_t SoftmaxTable::segment_rows() const {
  const std::int64_t even = (rows() + kMostSegments - 1) / kMostSegments;
  return std::max(kLeastSegment, (even + kBlock - 1) / kBlock * kBlock);
}

std::int64_t SoftmaxTable::segments() const { return (rows() + segment_rows() - 1) / segment_rows(); }

/// visit(number of the first row, rows, their values centred, in double)
template <class Visit>
void SoftmaxTable::for_blocks(std::int64_t segment, Visit&& visit) const {
  std::vector<double> block(static_cast<std::size_t>(kBlock * dim()));
  const std::int64_t begin = segment * segment_rows(), end = std::min(rows(), begin + segment_rows());
  for (std::int64_t first = begin; first < end; first += kBlock) {
    const std::int64_t count = std::min(kBlock, end - first);
    if (table_.dtype() == DType::F64)
      centre_rows(table_.values<double>().data() + first * dim(), centre_, count, block.data());
    else
      centre_rows(table_.values<float>().data() + first * dim(), centre_, count, block.data());
    visit(first, count, block.data());
  }
}

SoftmaxSums SoftmaxTable::sums(double t, std::span<const double> queries) const {
  const std::int64_t n = static_cast<std::int64_t>(queries.size()) / dim(), tiles = (n + kQueries - 1) / kQueries;
  std::vector<SoftmaxSums> parts(static_cast<std::size_t>(tiles * segments()));
  parallel_blocks(tiles * segments(), [&](std::int64_t piece) {
    const std::int64_t tile = piece / segments(), first_query = tile * kQueries;
    const std::int64_t count = std::min(kQueries, n - first_query);
    SoftmaxSums found = empty_sums(count, dim());
    SoftmaxSums own = empty_sums(count, dim());
    std::vector<double> weights(static_cast<std::size_t>(count * kBlock));
    for_blocks(piece % segments(), [&](std::int64_t first, std::int64_t rows_here, const double* block) {
      batch_product(false, rows_here, dim(), block, count, queries.data() + first_query * dim(), weights.data());
      bool far = true;  // from everything here: the second product would add nothing
      for (std::int64_t q = 0; q < count; ++q) {
        double* const w = weights.data() + q * rows_here;
        for (std::int64_t i = 0; i < rows_here; ++i) w[i] -= half_squares_[static_cast<std::size_t>(first + i)];
        const auto k = static_cast<std::size_t>(q);
        own.top[k] = std::max(found.top[k], *std::max_element(w, w + rows_here));
        own.total[k] = 0;
        for (std::int64_t i = 0; i < rows_here; ++i) own.total[k] += w[i] = weight(w[i] - own.top[k], t);
        far = far && own.total[k] == 0;
      }
      if (far) return;
      batch_product(true, dim(), rows_here, block, count, weights.data(), own.sum.data());
      merge_into(found, own, 0, dim(), t);
    });
    parts[static_cast<std::size_t>(piece)] = std::move(found);
  });
  SoftmaxSums all = empty_sums(n, dim());
  for (std::int64_t piece = 0; piece < tiles * segments(); ++piece)
    merge_into(all, parts[static_cast<std::size_t>(piece)], piece / segments() * kQueries, dim(), t);
  return all;
}

std::vector<double> SoftmaxTable::spread(double t, std::span<const double> queries, const SoftmaxSums& known,
                                         std::span<const double> directions) const {
  const std::int64_t n = static_cast<std::int64_t>(queries.size()) / dim(), tiles = (n + kQueries - 1) / kQueries;
  std::vector<std::vector<double>> parts(static_cast<std::size_t>(tiles * segments()));
  parallel_blocks(tiles * segments(), [&](std::int64_t piece) {
    const std::int64_t first_query = piece / segments() * kQueries, count = std::min(kQueries, n - first_query);
    std::vector<double>& found = parts[static_cast<std::size_t>(piece)];
    found.resize(static_cast<std::size_t>(count * dim()));
    std::vector<double> weights(static_cast<std::size_t>(count * kBlock)), along(weights.size()), added(found.size());
    for_blocks(piece % segments(), [&](std::int64_t first, std::int64_t rows_here, const double* block) {
      batch_product(false, rows_here, dim(), block, count, queries.data() + first_query * dim(), weights.data());
      batch_product(false, rows_here, dim(), block, count, directions.data() + first_query * dim(), along.data());
      for (std::int64_t q = 0; q < count; ++q) {
        const auto k = static_cast<std::size_t>(first_query + q);
        const auto at = static_cast<std::int64_t>(k) * dim();
        const double centre = dot(known.sum.data() + at, directions.data() + at, dim()) / known.total[k];
        for (std::int64_t i = q * rows_here; i < (q + 1) * rows_here; ++i) {
          const double g =
              weights[static_cast<std::size_t>(i)] - half_squares_[static_cast<std::size_t>(first + i - q * rows_here)];
          weights[static_cast<std::size_t>(i)] =
              weight(g - known.top[k], t) / known.total[k] * (along[static_cast<std::size_t>(i)] - centre);
        }
      }
      batch_product(true, dim(), rows_here, block, count, weights.data(), added.data());
      for (std::size_t j = 0; j < found.size(); ++j) found[j] += added[j];
    });
  });
  std::vector<double> all(queries.size());
  for (std::int64_t piece = 0; piece < tiles * segments(); ++piece) {
    const std::vector<double>& part = parts[static_cast<std::size_t>(piece)];
    double* const to = all.data() + piece / segments() * kQueries * dim();
    for (std::size_t j = 0; j < part.size(); ++j) to[j] += part[j];
  }
  return all;
}

}  // namespace noiseutils
