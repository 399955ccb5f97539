#include "metric/soft_minimum.hpp"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "base/threads.hpp"

namespace noiseutils {
namespace {

using Array = Eigen::ArrayXd;

constexpr std::int64_t kRows = 16;   // of one block of work
constexpr std::int64_t kCols = 128;  // a strip of columns that stays in the first cache

/// parallel_blocks, but for work that threads would take longer to hand out than to do.
template <class Work>
void for_blocks(const TransportProblem& problem, std::int64_t blocks, const Work& work) {
  if (problem.rows * problem.cols > 1 << 14) {
    parallel_blocks(blocks, work);
    return;
  }
  for (std::int64_t block = 0; block < blocks; ++block) work(block);
}

Array logs(const std::vector<double>& weights) {
  return Eigen::Map<const Array>(weights.data(), static_cast<Eigen::Index>(weights.size())).log();
}

/// Row i of the cost.
auto row_of(const TransportProblem& problem, std::int64_t i) {
  return Eigen::Map<const Array>(problem.cost.data() + i * problem.cols, problem.cols);
}

}  // namespace

std::vector<double> soft_minimum_of_rows(const TransportProblem& problem, const std::vector<double>& g,
                                         double epsilon) {
  const Array offset = Eigen::Map<const Array>(g.data(), problem.cols) / epsilon + logs(problem.b);
  std::vector<double> f(static_cast<std::size_t>(problem.rows));
  for_blocks(problem, (problem.rows + kRows - 1) / kRows, [&](std::int64_t block) {
    Array exponents(problem.cols);
    for (std::int64_t i = block * kRows; i < std::min(problem.rows, (block + 1) * kRows); ++i) {
      exponents = offset - row_of(problem, i) / epsilon;
      const double largest = exponents.maxCoeff();
      exponents = (exponents - largest).exp();
      f[static_cast<std::size_t>(i)] = -epsilon * (largest + std::log(exponents.sum()));
    }
  });
  return f;
}

std::vector<double> soft_minimum_of_cols(const TransportProblem& problem, const std::vector<double>& f,
                                         double epsilon) {
  const Array offset = Eigen::Map<const Array>(f.data(), problem.rows) / epsilon + logs(problem.a);
  std::vector<double> g(static_cast<std::size_t>(problem.cols));
  for_blocks(problem, (problem.cols + kCols - 1) / kCols, [&](std::int64_t block) {
    const std::int64_t begin = block * kCols, count = std::min(kCols, problem.cols - begin);
    const auto exponents = [&](std::int64_t i) {
      return offset[i] - row_of(problem, i).segment(begin, count) / epsilon;
    };
    Array largest = exponents(0), sums = Array::Zero(count);
    for (std::int64_t i = 1; i < problem.rows; ++i) largest = largest.max(exponents(i));
    for (std::int64_t i = 0; i < problem.rows; ++i) sums += (exponents(i) - largest).exp();
    Eigen::Map<Array>(g.data() + begin, count) = -epsilon * (largest + sums.log());
  });
  return g;
}

PlanSummary summary_of_plan(const TransportProblem& problem, const std::vector<double>& f, const std::vector<double>& g,
                            double epsilon, std::int64_t keep) {
  keep = std::min(keep, problem.cols);
  constexpr std::int64_t kBlock = 64;  // its column sums are kept: rows / 64 of them
  const std::int64_t blocks = (problem.rows + kBlock - 1) / kBlock;
  const Array offset = Eigen::Map<const Array>(g.data(), problem.cols) / epsilon + logs(problem.b);
  const Array weights = logs(problem.a);
  PlanSummary summary;
  summary.row_sums.resize(static_cast<std::size_t>(problem.rows));
  summary.largest.resize(static_cast<std::size_t>(problem.rows * keep));
  std::vector<Array> col_sums(static_cast<std::size_t>(blocks));
  std::vector<double> costs(static_cast<std::size_t>(blocks));
  for_blocks(problem, blocks, [&](std::int64_t block) {
    Array sums = Array::Zero(problem.cols), plan(problem.cols);
    std::vector<PlanEntry> entries(static_cast<std::size_t>(problem.cols));
    for (std::int64_t i = block * kBlock; i < std::min(problem.rows, (block + 1) * kBlock); ++i) {
      plan = (offset - row_of(problem, i) / epsilon + (f[static_cast<std::size_t>(i)] / epsilon + weights[i])).exp();
      sums += plan;
      summary.row_sums[static_cast<std::size_t>(i)] = plan.sum();
      costs[static_cast<std::size_t>(block)] += (plan * row_of(problem, i)).sum();
      for (std::int64_t k = 0; k < problem.cols; ++k) entries[static_cast<std::size_t>(k)] = {k, plan[k]};
      if (keep < problem.cols)
        std::nth_element(entries.begin(), entries.begin() + keep, entries.end(), [](const auto& x, const auto& y) {
          return x.value != y.value ? x.value > y.value : x.col < y.col;
        });
      std::copy_n(entries.begin(), keep, summary.largest.begin() + i * keep);
    }
    col_sums[static_cast<std::size_t>(block)] = std::move(sums);
  });
  Array all = Array::Zero(problem.cols);
  for (const Array& sums : col_sums) all += sums;
  summary.col_sums.assign(all.data(), all.data() + problem.cols);
  for (const double cost : costs) summary.cost += cost;
  return summary;
}

}  // namespace noiseutils
