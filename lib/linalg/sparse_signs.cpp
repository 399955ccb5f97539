#include "linalg/sparse_signs.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/threads.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kPerRow = 8;
constexpr std::int64_t kRowsAtATime = 4096;
constexpr std::uint64_t kCopy = 5;  // of Purpose::train: the copies below are of other kinds of learning

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int32_t column_of(std::int32_t entry) { return entry < 0 ? -1 - entry : entry; }

}  // namespace

SparseSigns::SparseSigns(std::int64_t rows, std::int64_t columns, std::uint64_t seed)
    : rows_(rows),
      columns_(columns),
      per_row_(std::min(columns, kPerRow)),
      scale_(std::sqrt(static_cast<double>(columns) / static_cast<double>(per_row_ * rows))),
      entries_(index(rows * per_row_)) {
  parallel_blocks((rows + kRowsAtATime - 1) / kRowsAtATime, [&](std::int64_t block) {
    const std::int64_t first = block * kRowsAtATime, count = std::min(kRowsAtATime, rows_ - first);
    std::vector<double> uniform(index(count * per_row_));
    fill_uniform({seed, Purpose::train, 0, kCopy}, static_cast<std::uint64_t>(first * per_row_),
                 std::span<double>(uniform));
    const double* u = uniform.data();
    for (std::int64_t j = first; j < first + count; ++j) {
      std::int32_t* const row = entries_.data() + j * per_row_;
      // Distinct columns by Floyd's method: the t-th of [0, last], or `last` where that is taken (Bentley, Floyd 1987).
      for (std::int64_t t = 0; t < per_row_; ++t) {
        const std::int64_t last = columns_ - per_row_ + t;
        const auto drawn = static_cast<std::int64_t>(*u++ * static_cast<double>(2 * (last + 1)));
        auto column = static_cast<std::int32_t>(drawn / 2);
        if (std::any_of(row, row + t, [&](std::int32_t entry) { return column_of(entry) == column; }))
          column = static_cast<std::int32_t>(last);
        row[t] = drawn % 2 == 0 ? column : -1 - column;
      }
    }
  });
}

std::vector<double> SparseSigns::transposed_times(const double* v) const {
  std::vector<double> result(index(columns_));
  for (std::int64_t j = 0; j < rows_; ++j) add_row(j, v[j], result.data());
  return result;
}

void SparseSigns::add_row(std::int64_t j, double factor, double* to) const {
  const double value[2] = {factor * scale_, -factor * scale_};
  for (std::int64_t t = 0; t < per_row_; ++t) {
    const std::int32_t entry = entries_[index(j * per_row_ + t)], minus = entry >> 31;  // without a branch
    to[entry ^ minus] += value[-minus];
  }
}

}  // namespace noiseutils
