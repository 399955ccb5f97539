#include "metric/two_sample.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kRows = 64;             // of the kernel matrix at a time
constexpr std::int64_t kMedianSamples = 1000;  // half a million distances

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Both sets, minus their common mean: distances lose fewer digits.
SampleRows pooled(const SampleRows& x, const SampleRows& y) {
  SampleRows all{x.count + y.count, x.dim, x.values};
  all.values.insert(all.values.end(), y.values.begin(), y.values.end());
  std::vector<double> mean(at(x.dim));
  for (std::size_t i = 0; i < all.values.size(); ++i) mean[i % mean.size()] += all.values[i];
  for (double& value : mean) value /= static_cast<double>(all.count);
  for (std::size_t i = 0; i < all.values.size(); ++i) all.values[i] -= mean[i % mean.size()];
  return all;
}

/// What each relabelling needs of the kernel matrix K with a zero diagonal, a its indicator of the first set:
/// a^T K a and a^T K 1; and of the labels as they are, K a and K 1.
struct KernelSums {
  std::vector<double> within, with_all;  // one a relabelling
  std::vector<double> first, all;        // one a sample
};

KernelSums kernel_sums(const SampleRows& z, const Kernel& kernel, const std::vector<double>& labels) {
  const std::int64_t n = z.count, columns = static_cast<std::int64_t>(labels.size()) / n,
                     blocks = (n + kRows - 1) / kRows;
  KernelSums sums{std::vector<double>(at(columns)), std::vector<double>(at(columns)), std::vector<double>(at(n)),
                  std::vector<double>(at(n))};
  std::vector<std::vector<double>> within(at(blocks)), with_all(at(blocks));
  parallel_blocks(blocks, [&](std::int64_t block) {
    const std::int64_t begin = block * kRows, rows = std::min(kRows, n - begin);
    std::vector<double> values(at(rows * n)), products(at(rows * columns));
    squared_distances(z.dim, {z.row(begin), at(rows * z.dim)}, z.values, values);
    kernel(values);
    for (std::int64_t i = 0; i < rows; ++i) values[at(i * n + begin + i)] = 0;
    batch_product(false, columns, n, labels.data(), rows, values.data(), products.data());
    auto& own = within[at(block)];
    auto& own_all = with_all[at(block)];
    own.resize(at(columns));
    own_all.resize(at(columns));
    for (std::int64_t i = 0; i < rows; ++i) {
      double sum = 0;
      for (std::int64_t k = 0; k < n; ++k) sum += values[at(i * n + k)];
      sums.all[at(begin + i)] = sum;
      sums.first[at(begin + i)] = products[at(i * columns)];
      for (std::int64_t p = 0; p < columns; ++p) {
        const double label = labels[at(p * n + begin + i)];
        own[at(p)] += label * products[at(i * columns + p)];
        own_all[at(p)] += label * sum;
      }
    }
  });
  for (std::int64_t block = 0; block < blocks; ++block)
    for (std::int64_t p = 0; p < columns; ++p) {
      sums.within[at(p)] += within[at(block)][at(p)];
      sums.with_all[at(p)] += with_all[at(block)][at(p)];
    }
  return sums;
}

double variance(const std::vector<double>& values) {
  double mean = 0, sum = 0;
  for (const double value : values) mean += value;
  mean /= static_cast<double>(values.size());
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size() - 1);
}

/// 2 sqrt(var(g(x)) / n + var(g(y)) / m), g the mean of the statistic over all but one sample.
double projected_error(const KernelSums& sums, std::int64_t n, std::int64_t m) {
  std::vector<double> g(sums.all.size());
  const auto first = static_cast<double>(n), second = static_cast<double>(m);
  for (std::size_t i = 0; i < g.size(); ++i) {
    const double to_first = sums.first[i], to_second = sums.all[i] - to_first;
    g[i] = i < at(n) ? to_first / (first - 1) - to_second / second : to_second / (second - 1) - to_first / first;
  }
  const std::vector<double> x(g.begin(), g.begin() + n), y(g.begin() + n, g.end());
  return 2 * std::sqrt(variance(x) / first + variance(y) / second);
}

}  // namespace

void squared_distances(std::int64_t dim, std::span<const double> x, std::span<const double> y, std::span<double> out) {
  const auto rows = static_cast<std::int64_t>(x.size()) / dim, columns = static_cast<std::int64_t>(y.size()) / dim;
  batch_product(false, columns, dim, y.data(), rows, x.data(), out.data());
  const auto squares = [dim](std::span<const double> values, std::int64_t i) {
    double sum = 0;
    for (const double value : values.subspan(at(i * dim), at(dim))) sum += value * value;
    return sum;
  };
  std::vector<double> of_y(at(columns));
  for (std::int64_t k = 0; k < columns; ++k) of_y[at(k)] = squares(y, k);
  for (std::int64_t i = 0; i < rows; ++i) {
    const double of_x = squares(x, i);
    for (std::int64_t k = 0; k < columns; ++k) {
      double& value = out[at(i * columns + k)];
      value = std::max(0.0, of_x + of_y[at(k)] - 2 * value);
    }
  }
}

TwoSampleTest two_sample_test(const SampleRows& x, const SampleRows& y, const Kernel& kernel, std::int64_t permutations,
                              std::uint64_t seed) {
  const SampleRows z = pooled(x, y);
  std::vector<double> labels(at((permutations + 1) * z.count));
  std::fill_n(labels.begin(), x.count, 1.0);
  for (std::int64_t p = 1; p <= permutations; ++p) {
    const auto order =
        permutation({.seed = seed, .purpose = Purpose::resample, .sample = static_cast<std::uint64_t>(p)},
                    static_cast<std::uint64_t>(z.count));
    for (std::int64_t i = 0; i < x.count; ++i) labels[at(p * z.count) + order[at(i)]] = 1;
  }
  const KernelSums sums = kernel_sums(z, kernel, labels);
  double total = 0;
  for (const double value : sums.all) total += value;
  const auto n = static_cast<double>(x.count), m = static_cast<double>(y.count);
  const auto statistic = [&](std::int64_t p) {
    const double within = sums.within[at(p)], across = sums.with_all[at(p)] - within;
    return within / (n * (n - 1)) + (total - within - 2 * across) / (m * (m - 1)) - 2 * across / (n * m);
  };
  TwoSampleTest test{statistic(0), projected_error(sums, x.count, y.count), 1};
  std::int64_t as_large = 1;
  const double rounding = 1e-12 * std::fabs(test.statistic);  // the same labels summed in another order are equal
  for (std::int64_t p = 1; p <= permutations; ++p) as_large += statistic(p) >= test.statistic - rounding ? 1 : 0;
  test.p_value = static_cast<double>(as_large) / static_cast<double>(permutations + 1);
  return test;
}

double median_distance(const SampleRows& x, const SampleRows& y, std::uint64_t seed) {
  SampleRows z = pooled(x, y);
  if (z.count > kMedianSamples) {
    const auto order = permutation({.seed = seed, .purpose = Purpose::resample}, static_cast<std::uint64_t>(z.count));
    SampleRows some{kMedianSamples, z.dim, {}};
    for (std::int64_t i = 0; i < kMedianSamples; ++i) {
      const double* const row = z.row(static_cast<std::int64_t>(order[at(i)]));
      some.values.insert(some.values.end(), row, row + z.dim);
    }
    z = std::move(some);
  }
  std::vector<double> squares(at(z.count * z.count)), distances;
  squared_distances(z.dim, z.values, z.values, squares);
  for (std::int64_t i = 0; i < z.count; ++i)
    for (std::int64_t k = 0; k < i; ++k) distances.push_back(std::sqrt(squares[at(i * z.count + k)]));
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  if (distances.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(distances.begin(), middle)) / 2;
}

}  // namespace noiseutils
