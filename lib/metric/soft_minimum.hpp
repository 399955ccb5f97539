#pragma once

#include <cstdint>
#include <vector>

#include "metric/sinkhorn.hpp"

namespace noiseutils {

/// f_i = -epsilon log sum_k b_k exp((g_k - C_ik) / epsilon): the f that makes the row sums exact.
std::vector<double> soft_minimum_of_rows(const TransportProblem& problem, const std::vector<double>& g, double epsilon);
/// g_k = -epsilon log sum_i a_i exp((f_i - C_ik) / epsilon)
std::vector<double> soft_minimum_of_cols(const TransportProblem& problem, const std::vector<double>& f, double epsilon);

/// One entry of a plan.
struct PlanEntry {
  std::int64_t col;
  double value;
};
/// What a Newton step asks of the plan of f and g.
struct PlanSummary {
  std::vector<double> row_sums, col_sums;
  std::vector<PlanEntry> largest;  ///< `keep` entries a row, row after row
  double cost = 0;                 ///< <C, P>
};
PlanSummary summary_of_plan(const TransportProblem& problem, const std::vector<double>& f, const std::vector<double>& g,
                            double epsilon, std::int64_t keep);

}  // namespace noiseutils
