#include <algorithm>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "metric/set_metric.hpp"
#include "metric/sinkhorn.hpp"
#include "metric/two_sample.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kRows = 64;  // of the cost matrix at a time

/// Both sets minus the mean of the second: costs do not change, but lose fewer digits.
SampleRows shifted(SampleRows rows, const SampleRows& by) {
  std::vector<double> mean(static_cast<std::size_t>(by.dim));
  for (std::size_t i = 0; i < by.values.size(); ++i) mean[i % mean.size()] += by.values[i];
  for (double& value : mean) value /= static_cast<double>(by.count);
  for (std::size_t i = 0; i < rows.values.size(); ++i) rows.values[i] -= mean[i % mean.size()];
  return rows;
}

/// Squared distances, and equal weights.
TransportProblem problem_of(const SampleRows& x, const SampleRows& y) {
  TransportProblem problem{x.count, y.count, {}, {}, {}};
  problem.cost.resize(static_cast<std::size_t>(x.count * y.count));
  problem.a.assign(static_cast<std::size_t>(x.count), 1 / static_cast<double>(x.count));
  problem.b.assign(static_cast<std::size_t>(y.count), 1 / static_cast<double>(y.count));
  parallel_blocks((x.count + kRows - 1) / kRows, [&](std::int64_t block) {
    const std::int64_t begin = block * kRows, rows = std::min(kRows, x.count - begin);
    squared_distances(x.dim, {x.row(begin), static_cast<std::size_t>(rows * x.dim)}, y.values,
                      {problem.cost.data() + begin * y.count, static_cast<std::size_t>(rows * y.count)});
    if (&x == &y)
      for (std::int64_t i = begin; i < begin + rows; ++i) problem.cost[static_cast<std::size_t>(i * y.count + i)] = 0;
  });
  return problem;
}

double mean_cost(const TransportProblem& problem) {
  double sum = 0;
  for (const double cost : problem.cost) sum += cost;
  return sum / static_cast<double>(problem.cost.size());
}

std::vector<Figures> measure(const SetInput& input) {
  require_equal_dim(input.rows("data").dim, input.rows("reference").dim);
  const SampleRows x = shifted(input.rows("data"), input.rows("reference"));
  const SampleRows y = shifted(input.rows("reference"), input.rows("reference"));
  SinkhornOptions options;
  options.tolerance = input.options.number("tolerance");
  options.iterations = input.options.integer("iterations");
  options.newton = !input.options.flag("no-newton");
  TransportPlan plan;
  {
    const TransportProblem between = problem_of(x, y);
    const auto asked = input.options.maybe_number("epsilon");
    options.epsilon = asked ? *asked : mean_cost(between) / 20;
    if (!(options.epsilon > 0)) throw DataError("all samples are equal: --epsilon is needed");
    plan = sinkhorn(between, options);
  }
  const double of_x = symmetric_sinkhorn(problem_of(x, x), options).value;
  const double of_y = symmetric_sinkhorn(problem_of(y, y), options).value;
  return {{{"sinkhorn", plan.value - (of_x + of_y) / 2},
           {"sinkhorn_value", plan.value},
           {"sinkhorn_cost", plan.cost},
           {"sinkhorn_epsilon", options.epsilon},
           {"sinkhorn_iterations", static_cast<double>(plan.iterations)},
           {"sinkhorn_newton_steps", static_cast<double>(plan.newton_steps)},
           {"sinkhorn_marginal_error", plan.marginal_error}}};
}

}  // namespace

SetMetricEntry sinkhorn_metric() {
  SetMetricEntry entry;
  entry.name = "sinkhorn";
  entry.summary = "debiased entropic optimal transport of squared distances";
  entry.options = {
      number("epsilon", "E", "strength of the entropy, in squared units of data; default: 1/20 of the mean cost")
          .above(0),
      number("tolerance", "T", "largest error of the marginals, summed").otherwise("1e-6").above(0).at_most(1),
      integer("iterations", "N", "at most this many").otherwise("10000").at_least(1).at_most(1e9),
      flag("no-newton", "Sinkhorn's iterations alone, without Newton steps")};
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
