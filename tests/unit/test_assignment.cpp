#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "noise/assignment.hpp"
#include "random_helpers.hpp"

namespace noiseutils {
namespace {

using test::normals;

double total(const std::vector<double>& cost, const std::vector<std::int64_t>& assignment) {
  double sum = 0;
  for (std::size_t i = 0; i < assignment.size(); ++i)
    sum += cost[i * assignment.size() + static_cast<std::size_t>(assignment[i])];
  return sum;
}

double least_by_trying_all(const std::vector<double>& cost, std::int64_t n) {
  std::vector<std::int64_t> permutation(static_cast<std::size_t>(n));
  std::iota(permutation.begin(), permutation.end(), 0);
  double least = total(cost, permutation);
  while (std::next_permutation(permutation.begin(), permutation.end()))
    least = std::min(least, total(cost, permutation));
  return least;
}

bool is_permutation_of_all(const std::vector<std::int64_t>& values) {
  const std::set<std::int64_t> distinct(values.begin(), values.end());
  return distinct.size() == values.size() && *distinct.begin() == 0 &&
         *distinct.rbegin() == static_cast<std::int64_t>(values.size()) - 1;
}

TEST_CASE("assignment: as good as the best of all permutations, up to n = 7") {
  for (std::int64_t n = 1; n <= 7; ++n)
    for (std::uint64_t trial = 0; trial < 20; ++trial) {
      auto cost = normals<double>({3, Purpose::probe, trial, static_cast<std::uint64_t>(n)}, 0,
                                  static_cast<std::size_t>(n * n));
      if (trial % 4 == 0)
        for (double& value : cost) value = std::round(value);  // many ties
      const auto assignment = optimal_assignment(cost, n);
      REQUIRE(is_permutation_of_all(assignment));
      CHECK(total(cost, assignment) == doctest::Approx(least_by_trying_all(cost, n)).epsilon(1e-12));
    }
}

TEST_CASE("assignment: known answers") {
  CHECK(optimal_assignment(std::vector<double>{}, 0).empty());
  // Costs (i - j)^2 on a line: everybody at home; -(i j): sorted with sorted.
  std::vector<double> line(100), product(100);
  for (int i = 0; i < 10; ++i)
    for (int j = 0; j < 10; ++j) {
      line[static_cast<std::size_t>(i * 10 + j)] = (i - j) * (i - j);
      product[static_cast<std::size_t>(i * 10 + j)] = i * j;
    }
  std::vector<std::int64_t> home(10);
  std::iota(home.begin(), home.end(), 0);
  CHECK(optimal_assignment(line, 10) == home);
  std::reverse(home.begin(), home.end());
  CHECK(optimal_assignment(product, 10) == home);
  CHECK_THROWS_AS(optimal_assignment(line, 9), InternalError);
  CHECK_THROWS_AS(optimal_assignment(std::vector<double>(4, NAN), 2), InternalError);
}

TEST_CASE("assignment: a larger one is optimal by its dual, no exchange of two or three improves it") {
  const std::int64_t n = 60;
  const auto cost = normals<double>({4, Purpose::probe, 0, 0}, 0, static_cast<std::size_t>(n * n));
  const auto assignment = optimal_assignment(cost, n);
  REQUIRE(is_permutation_of_all(assignment));
  const auto at = [&](std::int64_t i, std::int64_t j) { return cost[static_cast<std::size_t>(i * n + j)]; };
  const auto own = [&](std::int64_t i) { return assignment[static_cast<std::size_t>(i)]; };
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      CHECK(at(i, own(j)) + at(j, own(i)) >= at(i, own(i)) + at(j, own(j)) - 1e-12);
      for (std::int64_t k = 0; k < n; k += 7)
        if (i != j && j != k && i != k)
          CHECK(at(i, own(j)) + at(j, own(k)) + at(k, own(i)) >= at(i, own(i)) + at(j, own(j)) + at(k, own(k)) - 1e-12);
    }
}

TEST_CASE_TEMPLATE("immiscible: minimises the distances between samples and noises", T, float, double) {
  const std::int64_t n = 6, dim = 1500;  // more elements than are taken at a time
  std::vector<T> x = normals<T>({5, Purpose::probe, 0, 0}, 0, static_cast<std::size_t>(n * dim));
  std::vector<StreamKey> streams;
  for (std::int64_t i = 0; i < n; ++i) streams.push_back({9, Purpose::noise, static_cast<std::uint64_t>(i), 0});
  std::vector<double> cost(static_cast<std::size_t>(n * n));
  for (std::int64_t j = 0; j < n; ++j) {
    const auto noise = normals<T>(streams[static_cast<std::size_t>(j)], 0, static_cast<std::size_t>(dim));
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t e = 0; e < dim; ++e) {
        const double d = double(x[static_cast<std::size_t>(i * dim + e)]) - double(noise[static_cast<std::size_t>(e)]);
        cost[static_cast<std::size_t>(i * n + j)] += d * d;
      }
  }
  const Tensor data = Tensor::of<T>({n, dim}, x);
  const auto assignment = immiscible_assignment(data, streams);
  CHECK(total(cost, assignment) == doctest::Approx(least_by_trying_all(cost, n)).epsilon(1e-12));
  const int threads = thread_count();
  set_thread_count(3);
  CHECK(immiscible_assignment(data, streams) == assignment);
  set_thread_count(threads);
}

TEST_CASE("immiscible: at most 512 samples, and what metadata say of it") {
  CHECK_NOTHROW(check_immiscible(512));
  CHECK_THROWS_AS(check_immiscible(513), UsageError);
  CHECK(marked_immiscible(R"({"family":"gaussian","sigma":1.0})") ==
        R"({"family":"gaussian","immiscible":true,"sigma":1.0})");
  CHECK(marked_immiscible(R"([{"a":1},{"b":2}])") == R"([{"a":1},{"b":2,"immiscible":true}])");
}

}  // namespace
}  // namespace noiseutils
