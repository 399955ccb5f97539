#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "gaussian_rows.hpp"
#include "metric/sinkhorn.hpp"
#include "metric/sliced_wasserstein.hpp"

using namespace noiseutils;
using namespace noiseutils::test;

namespace {

SinkhornOptions options_of(double epsilon, bool newton = true, double tolerance = 1e-11) {
  return {epsilon, tolerance, 100000, newton};
}

TransportProblem squared_problem(const std::vector<double>& x, const std::vector<double>& y) {
  TransportProblem problem{static_cast<std::int64_t>(x.size()), static_cast<std::int64_t>(y.size()), {}, {}, {}};
  for (const double from : x)
    for (const double to : y) problem.cost.push_back((from - to) * (from - to));
  problem.a.assign(x.size(), 1 / static_cast<double>(x.size()));
  problem.b.assign(y.size(), 1 / static_cast<double>(y.size()));
  return problem;
}

struct Grid {
  std::vector<double> points, weights;
};
/// N(mean, variance) on a grid of this step out to 6 deviations; its discretisation error is far below 1e-9.
Grid grid_of(double mean, double variance, double step) {
  Grid grid;
  double sum = 0;
  const double end = 6 * std::sqrt(variance);
  for (double x = -end; x <= end; x += step) {
    grid.points.push_back(mean + x);
    grid.weights.push_back(std::exp(-x * x / (2 * variance)));
    sum += grid.weights.back();
  }
  for (double& weight : grid.weights) weight /= sum;
  return grid;
}

TransportProblem grid_problem(const Grid& from, const Grid& to) {
  TransportProblem problem = squared_problem(from.points, to.points);
  problem.a = from.weights;
  problem.b = to.weights;
  return problem;
}

/// The entropic cost of N(m1, v1) and N(m2, v2) on the line: with s = epsilon / 2, D = sqrt(4 v1 v2 + s^2),
///   (m1 - m2)^2 + v1 + v2 - D + s (1 - log 2 s) + s log(D + s).      Source: Janati and others 2020.
double gaussian_cost(double shift, double v1, double v2, double epsilon) {
  const double s = epsilon / 2, root = std::sqrt(4 * v1 * v2 + s * s);
  return shift * shift + v1 + v2 - root + s * (1 - std::log(2 * s)) + s * std::log(root + s);
}

/// n points of the line, of no order.
std::vector<double> points(std::int64_t n, std::uint64_t set) { return gaussian_rows(n, 1, set).values; }

}  // namespace

TEST_CASE("sinkhorn: of Gaussians on a grid the value is the closed form, and so is the divergence") {
  const Grid first = grid_of(-0.5, 1, 0.1), second = grid_of(1, 0.36, 0.1);
  for (const double epsilon : {2.0, 0.5}) {
    const auto options = options_of(epsilon);
    const double value = sinkhorn(grid_problem(first, second), options).value;
    CHECK(value == doctest::Approx(gaussian_cost(1.5, 1, 0.36, epsilon)).epsilon(1e-6));
    const double self = symmetric_sinkhorn(grid_problem(first, first), options).value;
    CHECK(self == doctest::Approx(gaussian_cost(0, 1, 1, epsilon)).epsilon(1e-6));
    CHECK(self == doctest::Approx(sinkhorn(grid_problem(first, first), options).value).epsilon(1e-8));
  }
  CHECK(gaussian_cost(1.5, 1, 0.36, 2) == doctest::Approx(3.29561057824642).epsilon(1e-13));
}

TEST_CASE("sinkhorn: two points against themselves, in closed form") {
  // P = [[p, 1/2 - p], [1/2 - p, p]], p = 1/2 / (1 + e^(-c / epsilon))
  const double c = 4, epsilon = 1.5, p = 0.5 / (1 + std::exp(-c / epsilon)), q = 0.5 - p;
  const TransportPlan plan = sinkhorn(squared_problem({0, 2}, {0, 2}), options_of(epsilon));
  CHECK(plan.cost == doctest::Approx(2 * q * c).epsilon(1e-10));
  CHECK(plan.value ==
        doctest::Approx(2 * q * c + epsilon * 2 * (p * std::log(4 * p) + q * std::log(4 * q))).epsilon(1e-10));
}

TEST_CASE("sinkhorn: as epsilon falls, the cost is that of the best assignment of all") {
  const std::vector<double> x = points(6, 1), y = points(6, 2);
  std::vector<std::size_t> order(6);
  std::iota(order.begin(), order.end(), std::size_t{0});
  TransportProblem problem = squared_problem(x, y);
  for (double& cost : problem.cost) cost = std::fabs(std::sin(37 * cost)) + 0.1;  // no order of the line helps
  double best = 1e300;
  do {
    double sum = 0;
    for (std::size_t i = 0; i < 6; ++i) sum += problem.cost[i * 6 + order[i]] / 6;
    best = std::min(best, sum);
  } while (std::next_permutation(order.begin(), order.end()));
  const TransportPlan plan = sinkhorn(problem, options_of(1e-3, true, 1e-9));
  CHECK(plan.cost == doctest::Approx(best).epsilon(1e-6));
  CHECK(plan.value <= best + 1e-3 * std::log(6.0) + 1e-9);
  CHECK(plan.value >= best - 1e-9);
}

TEST_CASE("sinkhorn: as epsilon grows, everything goes everywhere") {
  const TransportProblem problem = squared_problem(points(7, 1), points(9, 2));
  const TransportPlan plan = sinkhorn(problem, options_of(1e7));
  CHECK(plan.cost ==
        doctest::Approx(std::accumulate(problem.cost.begin(), problem.cost.end(), 0.0) / 63).epsilon(1e-5));
}

TEST_CASE("sinkhorn: marginals are those asked for, and the potentials make the plan") {
  const TransportProblem problem = squared_problem(points(30, 1), points(20, 2));
  const double epsilon = 0.05;
  const TransportPlan plan = sinkhorn(problem, options_of(epsilon));
  CHECK(plan.marginal_error <= 1e-11);
  std::vector<double> rows(30), cols(20);
  double value = 0;
  for (std::size_t i = 0; i < 30; ++i)
    for (std::size_t k = 0; k < 20; ++k) {
      const double cost = problem.cost[i * 20 + k], p = std::exp((plan.f[i] + plan.g[k] - cost) / epsilon) / 600;
      rows[i] += p;
      cols[k] += p;
      if (p > 0) value += p * cost + epsilon * p * std::log(600 * p);
    }
  for (const double row : rows) CHECK(row == doctest::Approx(1.0 / 30).epsilon(1e-9));
  for (const double col : cols) CHECK(col == doctest::Approx(1.0 / 20).epsilon(1e-9));
  CHECK(value == doctest::Approx(plan.value).epsilon(1e-9));
}

TEST_CASE("sinkhorn: Newton steps end where the iterations end, in far fewer") {
  TransportProblem problem = squared_problem(points(60, 1), points(60, 2));
  for (std::size_t i = 0; i < problem.cost.size(); ++i)
    problem.cost[i] = std::fabs(std::sin(1 + 91 * static_cast<double>(i) * static_cast<double>(i % 61)));
  const TransportPlan plain = sinkhorn(problem, options_of(0.01, false, 1e-7));
  const TransportPlan newton = sinkhorn(problem, options_of(0.01, true, 1e-7));
  CHECK(newton.value == doctest::Approx(plain.value).epsilon(1e-7));
  CHECK(plain.newton_steps == 0);
  CHECK(newton.newton_steps > 0);
  CHECK(3 * newton.iterations < plain.iterations);
}

TEST_CASE("sinkhorn: iterations that do not suffice are an error") {
  auto options = options_of(1e-4, false, 1e-12);
  options.iterations = 10;
  CHECK_THROWS_AS(sinkhorn(squared_problem(points(20, 1), points(20, 2)), options), DataError);
}

TEST_CASE("sinkhorn: the same bits for any number of threads") {
  const TransportProblem problem = squared_problem(points(300, 1), points(200, 2));
  std::vector<double> values;
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    values.push_back(sinkhorn(problem, options_of(0.02, true, 1e-8)).value);
  }
  set_thread_count(0);
  CHECK(values[0] == values[1]);
}

TEST_CASE("Wasserstein of sorted numbers: by hand, also of sets of two sizes") {
  const std::vector<double> x = {0, 1, 3}, y = {1, 1, 5}, pair = {0, 2};
  CHECK(wasserstein_of_sorted(x, y, 1) == doctest::Approx(1));
  CHECK(wasserstein_of_sorted(x, y, 2) == doctest::Approx(5.0 / 3));
  // Quantiles: 0 and 0 to 1/3, 1 and 0 to 1/2, 1 and 2 to 2/3, 3 and 2 to the end.
  CHECK(wasserstein_of_sorted(x, pair, 1) == doctest::Approx(1.0 / 6 + 1.0 / 6 + 1.0 / 3));
  CHECK(wasserstein_of_sorted(pair, x, 2) == doctest::Approx(1.0 / 6 + 1.0 / 6 + 1.0 / 3));
}

TEST_CASE("sliced Wasserstein: of a set and its shift by c the means are those of |theta c|") {
  const SampleRows x = gaussian_rows(40, 3, 1);
  SampleRows y = x;
  for (std::size_t i = 0; i < y.values.size(); i += 3) y.values[i] += 2;
  const SlicedWasserstein second = sliced_wasserstein(x, y, 2, 4000, 5), first = sliced_wasserstein(x, y, 1, 4000, 5);
  // |c| = 2: E (theta c)^2 = 4/3, and on the sphere of three dimensions E |theta c| = 1.
  CHECK(std::fabs(second.value - std::sqrt(4.0 / 3)) < 4.5 * second.error);
  CHECK(std::fabs(first.value - 1) < 4.5 * first.error);
  CHECK(first.error == doctest::Approx(std::sqrt((4.0 / 3 - 1) / 4000)).epsilon(0.1));
  CHECK(second.largest <= 2 + 1e-12);
  CHECK(second.largest > 1.99);
}

TEST_CASE("sliced Wasserstein: of Gaussians |m - m'|^2 / d + (s - s')^2; exact on the line") {
  const SampleRows x = gaussian_rows(20000, 4, 1, 1), y = gaussian_rows(20000, 4, 2, 1.5, 0.5);
  const SlicedWasserstein distance = sliced_wasserstein(x, y, 2, 200, 0);
  // Sampling moves every W_2 alike by about sqrt(1 / n).
  CHECK(std::fabs(distance.value - std::sqrt(0.25 + 0.25)) < 4.5 * distance.error + 4 / std::sqrt(20000.0));
  const SampleRows u{3, 1, {3, 0, 1}}, v{3, 1, {1, 5, 1}};
  const SlicedWasserstein line = sliced_wasserstein(u, v, 2, 50, 0);
  CHECK(line.value == doctest::Approx(std::sqrt(5.0 / 3)));
  CHECK(line.error == 0);
}
