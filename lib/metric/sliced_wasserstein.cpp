#include "metric/sliced_wasserstein.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/threads.hpp"
#include "linalg/batch_product.hpp"
#include "metric/set_metric.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kDirections = 16;  // at a time: a thread holds their projections of both sets

/// `count` unit vectors, numbers first, first + 1, ...
std::vector<double> directions(std::int64_t dim, std::int64_t first, std::int64_t count, std::uint64_t seed) {
  std::vector<double> all(static_cast<std::size_t>(dim * count));
  for (std::int64_t k = 0; k < count; ++k) {
    const std::span<double> one(all.data() + k * dim, static_cast<std::size_t>(dim));
    fill_normal({.seed = seed, .purpose = Purpose::probe, .sample = static_cast<std::uint64_t>(first + k)}, 0, one);
    double square = 0;
    for (const double value : one) square += value * value;
    for (double& value : one) value /= std::sqrt(square);
  }
  return all;
}

std::vector<double> projected(const SampleRows& rows, const std::vector<double>& along) {
  const auto count = static_cast<std::int64_t>(along.size()) / rows.dim;
  std::vector<double> result(static_cast<std::size_t>(count * rows.count));
  batch_product(false, rows.count, rows.dim, rows.values.data(), count, along.data(), result.data());
  return result;
}

std::vector<Figures> measure(const SetInput& input) {
  const SampleRows &x = input.rows("data"), &y = input.rows("reference");
  require_equal_dim(x.dim, y.dim);
  const int order = input.options.text("order") == "1" ? 1 : 2;
  const SlicedWasserstein distance = sliced_wasserstein(x, y, order, input.options.integer("projections"), input.seed);
  return {{{"sliced_wasserstein", distance.value},
           {"sliced_wasserstein_stderr", distance.error},
           {"sliced_wasserstein_max", distance.largest}}};
}

}  // namespace

double wasserstein_of_sorted(std::span<const double> x, std::span<const double> y, int order) {
  const std::size_t n = x.size(), m = y.size();
  double sum = 0;
  // Quantiles in units of 1 / (n m), so that they are whole.
  for (std::size_t i = 0, k = 0, done = 0; i < n && k < m;) {
    const std::size_t end_x = (i + 1) * m, end_y = (k + 1) * n, end = std::min(end_x, end_y);
    const double gap = std::fabs(x[i] - y[k]);
    sum += static_cast<double>(end - done) * (order == 1 ? gap : gap * gap);
    done = end;
    i += end == end_x ? 1 : 0;
    k += end == end_y ? 1 : 0;
  }
  return sum / (static_cast<double>(n) * static_cast<double>(m));
}

SlicedWasserstein sliced_wasserstein(const SampleRows& x, const SampleRows& y, int order, std::int64_t projections,
                                     std::uint64_t seed) {
  if (x.dim == 1) projections = 1;  // the other direction is the same
  std::vector<double> powers(static_cast<std::size_t>(projections));
  parallel_blocks((projections + kDirections - 1) / kDirections, [&](std::int64_t block) {
    const std::int64_t first = block * kDirections, count = std::min(kDirections, projections - first);
    const std::vector<double> along = directions(x.dim, first, count, seed);
    std::vector<double> of_x = projected(x, along), of_y = projected(y, along);
    for (std::int64_t k = 0; k < count; ++k) {
      const std::span<double> u(of_x.data() + k * x.count, static_cast<std::size_t>(x.count));
      const std::span<double> v(of_y.data() + k * y.count, static_cast<std::size_t>(y.count));
      std::sort(u.begin(), u.end());
      std::sort(v.begin(), v.end());
      powers[static_cast<std::size_t>(first + k)] = wasserstein_of_sorted(u, v, order);
    }
  });
  const auto root = [order](double power) { return order == 1 ? power : std::sqrt(power); };
  const auto count = static_cast<double>(projections);
  double mean = 0, spread = 0;
  for (const double power : powers) mean += power / count;
  for (const double power : powers) spread += (power - mean) * (power - mean);
  SlicedWasserstein result{root(mean), 0, root(*std::max_element(powers.begin(), powers.end()))};
  if (projections > 1 && mean > 0) {
    const double error = std::sqrt(spread / (count - 1) / count);
    result.error = order == 1 ? error : error / (2 * result.value);
  }
  return result;
}

SetMetricEntry sliced_wasserstein_metric() {
  SetMetricEntry entry;
  entry.name = "sliced-wasserstein";
  entry.summary = "Wasserstein distance of projections to a line, over random directions";
  entry.options = {choice("order", {"1", "2"}, "of the distance").otherwise("2"),
                   integer("projections", "K", "random directions").otherwise("1000").at_least(1).at_most(1e7)};
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
