#include "metric/sinkhorn.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "base/number.hpp"
#include "metric/soft_minimum.hpp"

namespace noiseutils {
namespace {

using Values = std::vector<double>;

constexpr std::int64_t kStage = 20;   // iterations at each epsilon on the way down
constexpr std::int64_t kWarmUp = 50;  // at the last one, before Newton steps
constexpr std::int64_t kGradients = 400;

double dot(const Values& x, const Values& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

/// Row sums of the plan are a_i exp((f_i - T f_i) / epsilon) where T f is the update that would make them exact.
double marginal_error(const Values& a, const Values& f, const Values& updated, double epsilon) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * std::fabs(std::expm1((f[i] - updated[i]) / epsilon));
  return sum;
}

double largest_cost(const TransportProblem& problem) {
  return problem.cost.empty() ? 0 : *std::max_element(problem.cost.begin(), problem.cost.end());
}

[[noreturn]] void not_converged(const SinkhornOptions& options, double error) {
  throw DataError("after " + std::to_string(options.iterations) + " iterations the marginals are still wrong by " +
                  format_number(error) + " (a larger --epsilon or --tolerance, or more --iterations)");
}

/// (diag(r) P; P^T diag(c)) x, of the entries kept.
class SparseHessian {
 public:
  SparseHessian(const PlanSummary& plan, std::int64_t rows)
      : plan_(plan),
        rows_(static_cast<std::size_t>(rows)),
        keep_(plan.largest.size() / static_cast<std::size_t>(rows)),
        diagonal_(plan.row_sums) {
    diagonal_.insert(diagonal_.end(), plan.col_sums.begin(), plan.col_sums.end());
    // A shift along (1, -1) changes nothing; a trace of ridge keeps it from growing.
    for (double& value : diagonal_) value *= 1 + 1e-10;
  }

  Values times(const Values& x) const {
    Values out(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = diagonal_[i] * x[i];
    for (std::size_t i = 0; i < rows_; ++i)
      for (std::size_t e = i * keep_; e < (i + 1) * keep_; ++e) {
        const std::size_t col = rows_ + static_cast<std::size_t>(plan_.largest[e].col);
        out[i] += plan_.largest[e].value * x[col];
        out[col] += plan_.largest[e].value * x[i];
      }
    return out;
  }

  /// The solution for this right side, by conjugate gradients preconditioned with the diagonal.
  Values solve(const Values& right) const {
    Values x(right.size()), residual = right, z(right.size());
    const auto precondition = [&] {
      for (std::size_t i = 0; i < z.size(); ++i) z[i] = diagonal_[i] > 0 ? residual[i] / diagonal_[i] : 0;
    };
    precondition();
    Values direction = z;
    double rho = dot(residual, z);
    const double goal = 1e-20 * rho;
    for (std::int64_t step = 0; step < kGradients && rho > goal; ++step) {
      const Values image = times(direction);
      const double curvature = dot(direction, image);
      if (!(curvature > 0)) break;
      const double alpha = rho / curvature;
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] += alpha * direction[i];
        residual[i] -= alpha * image[i];
      }
      precondition();
      const double next = dot(residual, z);
      for (std::size_t i = 0; i < x.size(); ++i) direction[i] = z[i] + next / rho * direction[i];
      rho = next;
    }
    return x;
  }

 private:
  const PlanSummary& plan_;
  std::size_t rows_, keep_;
  Values diagonal_;
};

double distance_to(const Values& sums, const Values& weights) {
  double sum = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) sum += std::fabs(sums[i] - weights[i]);
  return sum;
}

class Solver {
 public:
  Solver(const TransportProblem& problem, const SinkhornOptions& options)
      : problem_(problem), options_(options), keep_(10 * std::max(problem.rows, problem.cols) / problem.rows + 1) {
    plan_.f.assign(problem.a.size(), 0);
    plan_.g.assign(problem.b.size(), 0);
  }

  TransportPlan solve() {
    for (double epsilon = largest_cost(problem_) / 2; epsilon > options_.epsilon; epsilon /= 2)
      iterate(epsilon, kStage, std::max(1e-2, options_.tolerance));
    bool done = iterate(options_.epsilon, kWarmUp, options_.tolerance);
    while (!done) {
      if (plan_.iterations >= options_.iterations) not_converged(options_, plan_.marginal_error);
      while (!done && options_.newton && newton_step()) done = iterate(options_.epsilon, 1, options_.tolerance);
      done = done || iterate(options_.epsilon, kWarmUp, options_.tolerance);
    }
    plan_.value = dot(problem_.a, plan_.f) + dot(problem_.b, plan_.g);
    plan_.cost = summary_of_plan(problem_, plan_.f, plan_.g, options_.epsilon, 0).cost;
    return std::move(plan_);
  }

 private:
  /// Sinkhorn's iterations; each ends with exact column sums. True once the rows are right too.
  bool iterate(double epsilon, std::int64_t most, double tolerance) {
    plan_.g = soft_minimum_of_cols(problem_, plan_.f, epsilon);
    for (std::int64_t step = 0;; ++step) {
      Values updated = soft_minimum_of_rows(problem_, plan_.g, epsilon);
      plan_.marginal_error = marginal_error(problem_.a, plan_.f, updated, epsilon);
      if (plan_.marginal_error <= tolerance) return true;
      if (step == most) return false;
      plan_.f = std::move(updated);
      plan_.g = soft_minimum_of_cols(problem_, plan_.f, epsilon);
      ++plan_.iterations;
    }
  }

  /// One Newton step, by halves until the marginal error falls; false if it does not.
  bool newton_step() {
    if (plan_.iterations >= options_.iterations) return false;
    const double epsilon = options_.epsilon;
    const PlanSummary here = summary_of_plan(problem_, plan_.f, plan_.g, epsilon, keep_);
    const double before = distance_to(here.row_sums, problem_.a) + distance_to(here.col_sums, problem_.b);
    Values right;
    for (std::size_t i = 0; i < problem_.a.size(); ++i) right.push_back(epsilon * (problem_.a[i] - here.row_sums[i]));
    for (std::size_t k = 0; k < problem_.b.size(); ++k) right.push_back(epsilon * (problem_.b[k] - here.col_sums[k]));
    const Values step = SparseHessian(here, problem_.rows).solve(right);
    for (double t = 1; t > 1e-3; t /= 2) {
      Values f = plan_.f, g = plan_.g;
      for (std::size_t i = 0; i < f.size(); ++i) f[i] += t * step[i];
      for (std::size_t k = 0; k < g.size(); ++k) g[k] += t * step[f.size() + k];
      const PlanSummary there = summary_of_plan(problem_, f, g, epsilon, 0);
      const double after = distance_to(there.row_sums, problem_.a) + distance_to(there.col_sums, problem_.b);
      if (!(after < before)) continue;
      if (after > 0.3 * before) keep_ *= 2;  // too few entries for Newton's speed
      plan_.f = std::move(f);
      plan_.g = std::move(g);
      ++plan_.newton_steps;
      ++plan_.iterations;
      return true;
    }
    keep_ *= 2;
    return false;
  }

  const TransportProblem& problem_;
  SinkhornOptions options_;
  std::int64_t keep_;  // entries of a row of the plan that the Hessian has
  TransportPlan plan_;
};

}  // namespace

TransportPlan sinkhorn(const TransportProblem& problem, const SinkhornOptions& options) {
  return Solver(problem, options).solve();
}

TransportPlan symmetric_sinkhorn(const TransportProblem& problem, const SinkhornOptions& options) {
  TransportPlan plan;
  plan.f.assign(problem.a.size(), 0);
  double epsilon = std::max(options.epsilon, largest_cost(problem) / 2);
  for (std::int64_t at_this = 0;; ++at_this) {
    const Values updated = soft_minimum_of_rows(problem, plan.f, epsilon);
    plan.marginal_error = marginal_error(problem.a, plan.f, updated, epsilon);
    const bool last = epsilon <= options.epsilon;
    if (last && plan.marginal_error <= options.tolerance) {
      double mass = 0;
      for (std::size_t i = 0; i < updated.size(); ++i)
        mass += problem.a[i] * std::exp((plan.f[i] - updated[i]) / epsilon);
      plan.value = 2 * dot(problem.a, plan.f) - epsilon * (mass - 1);
      break;
    }
    if (plan.iterations++ >= options.iterations) not_converged(options, plan.marginal_error);
    for (std::size_t i = 0; i < updated.size(); ++i) plan.f[i] = (plan.f[i] + updated[i]) / 2;
    if (!last && at_this >= 2) {
      epsilon = std::max(options.epsilon, epsilon / 2);
      at_this = 0;
    }
  }
  plan.g = plan.f;
  plan.cost = summary_of_plan(problem, plan.f, plan.g, options.epsilon, 0).cost;
  return plan;
}

}  // namespace noiseutils
