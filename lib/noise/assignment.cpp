#include "noise/assignment.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/threads.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kElementsAtATime = 1024;
constexpr std::int64_t kMaxImmiscible = 512;

/// Sums in eight lanes, which are added in their order: the same bits on every processor, without a chain of additions
/// that each wait for the one before.
template <class Real>
double inner_product(const Real* x, const Real* n, std::int64_t count) {
  constexpr std::int64_t kLanes = 8;
  std::array<double, kLanes> sums{};
  std::int64_t e = 0;
  for (; e + kLanes <= count; e += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      sums[static_cast<std::size_t>(lane)] += static_cast<double>(x[e + lane]) * static_cast<double>(n[e + lane]);
  double total = 0;
  for (const double sum : sums) total += sum;
  for (; e < count; ++e) total += static_cast<double>(x[e]) * static_cast<double>(n[e]);
  return total;
}

/// -<x_i, n_j>: half of |x_i - n_j|^2, less what any permutation has in common.
template <class Real>
std::vector<double> costs(const Tensor& data, const std::vector<StreamKey>& streams) {
  const auto n = static_cast<std::int64_t>(streams.size());
  const std::int64_t per_sample = data.size() / n;
  const Tensor flat = data.reshaped({data.size()});
  std::vector<double> cost(static_cast<std::size_t>(n * n), 0.0);
  std::vector<Real> x(static_cast<std::size_t>(n * kElementsAtATime)), normals(x.size());
  for (std::int64_t begin = 0; begin < per_sample; begin += kElementsAtATime) {
    const std::int64_t count = std::min(kElementsAtATime, per_sample - begin);
    parallel_blocks(n, [&](std::int64_t i) {
      const Tensor piece = flat.slice(i * per_sample + begin, count).converted(DTypeOf<Real>::value);
      const auto values = piece.values<Real>();
      std::copy(values.begin(), values.end(), x.begin() + i * kElementsAtATime);
      fill_normal(streams[static_cast<std::size_t>(i)], static_cast<std::uint64_t>(begin),
                  std::span<Real>(normals.data() + i * kElementsAtATime, static_cast<std::size_t>(count)));
    });
    parallel_blocks(n, [&](std::int64_t i) {
      for (std::int64_t j = 0; j < n; ++j)
        cost[static_cast<std::size_t>(i * n + j)] -=
            inner_product(x.data() + i * kElementsAtATime, normals.data() + j * kElementsAtATime, count);
    });
  }
  return cost;
}

}  // namespace

std::vector<std::int64_t> optimal_assignment(std::span<const double> cost, std::int64_t n) {
  if (static_cast<std::int64_t>(cost.size()) != n * n) throw InternalError("costs of an assignment are no square");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto size = static_cast<std::size_t>(n) + 1;
  // Row and column 0 stand for "none"; row_of[j] is the row that column j is assigned to.
  std::vector<double> row_price(size, 0.0), column_price(size, 0.0);
  std::vector<std::size_t> row_of(size, 0), came_from(size, 0);
  for (std::size_t row = 1; row < size; ++row) {
    // The shortest path, in reduced costs, from the new row to a column that is free.
    std::vector<double> distance(size, kInfinity);
    std::vector<bool> settled(size, false);
    std::size_t column = 0;
    row_of[0] = row;
    do {
      settled[column] = true;
      const std::size_t here = row_of[column];
      double step = kInfinity;
      std::size_t nearest = 0;
      for (std::size_t j = 1; j < size; ++j) {
        if (settled[j]) continue;
        const double reduced =
            cost[(here - 1) * static_cast<std::size_t>(n) + j - 1] - row_price[here] - column_price[j];
        if (reduced < distance[j]) {
          distance[j] = reduced;
          came_from[j] = column;
        }
        if (distance[j] < step) {
          step = distance[j];
          nearest = j;
        }
      }
      if (nearest == 0) throw InternalError("a cost of an assignment is not finite");
      for (std::size_t j = 0; j < size; ++j)
        if (settled[j]) {
          row_price[row_of[j]] += step;
          column_price[j] -= step;
        } else {
          distance[j] -= step;
        }
      column = nearest;
    } while (row_of[column] != 0);
    for (; column != 0; column = came_from[column]) row_of[column] = row_of[came_from[column]];
  }
  std::vector<std::int64_t> assignment(static_cast<std::size_t>(n));
  for (std::size_t j = 1; j < size; ++j) assignment[row_of[j] - 1] = static_cast<std::int64_t>(j) - 1;
  return assignment;
}

void check_immiscible(std::int64_t samples) {
  if (samples > kMaxImmiscible)
    throw UsageError("--immiscible takes batches of at most " + std::to_string(kMaxImmiscible) + " samples, not " +
                     std::to_string(samples));
}

std::string marked_immiscible(const std::string& noise) {
  nlohmann::json laws = parse_json(noise);
  (laws.is_array() ? laws.back() : laws)["immiscible"] = true;
  return json_text(laws);
}

std::vector<std::int64_t> immiscible_assignment(const Tensor& data, const std::vector<StreamKey>& streams) {
  const auto n = static_cast<std::int64_t>(streams.size());
  check_immiscible(n);
  if (n == 1) return {0};
  return optimal_assignment(data.dtype() == DType::F64 ? costs<double>(data, streams) : costs<float>(data, streams), n);
}

}  // namespace noiseutils
