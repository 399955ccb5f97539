#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/registry.hpp"
#include "fitted_slope.hpp"
#include "sample/affine_law.hpp"
#include "sampler_helpers.hpp"

namespace noiseutils {

using GivenOptions = std::vector<std::pair<std::string, std::string>>;

/// Levels s_0 > ... > s_N of that many steps, without a last step to 0: equally spaced in s^(1/rho), in log s (rho =
/// infinity), in s (rho = 1).
inline Schedule levels_between(double first, double last, std::int64_t steps, double rho) {
  Schedule schedule{"test", {}, {}};
  for (std::int64_t i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(steps);
    const double s = std::isinf(rho) ? first * std::pow(last / first, t)
                                     : std::pow(std::pow(first, 1 / rho) * (1 - t) + std::pow(last, 1 / rho) * t, rho);
    schedule.levels.push_back({1, s});
  }
  return schedule;
}

/// The variances that errors of samplers are taken at: smaller than, about, and larger than the levels in between.
inline const std::vector<double>& variances() {
  static const std::vector<double> lambda = {0.02, 0.3, 4};
  return lambda;
}

/// The largest difference of a deterministic sampler's map of a Gaussian law's modes, x(s_N) = A x(s_0) + b, to that of
/// the flow, A = sqrt((lambda + s_N^2) / (lambda + s_0^2)), b = 1 - A: exact, no Monte Carlo.
inline double error_of_map(const Sampler& sampler, const GivenOptions& given, const Schedule& schedule,
                           bool exact_history = false) {
  const AffineLaw law = affine_law({sampler, options_of(sampler, given), schedule, false, exact_history}, variances());
  double error = 0;
  for (std::size_t k = 0; k < variances().size(); ++k) {
    const double lambda = variances()[k], s0 = schedule.s(0), s1 = schedule.s(schedule.steps());
    const double A = std::sqrt((lambda + s1 * s1) / (lambda + s0 * s0));
    error = std::max({error, std::abs(law.start[k] - A), std::abs(law.mean[k] - (1 - A))});
  }
  return error;
}

/// Least-squares slope of -log(error) on log(steps), over the three finest step counts whose error is above 1e-11,
/// where rounding does not show.
inline double order_of(const std::vector<double>& steps, const std::vector<double>& errors) {
  std::vector<double> finest, left;
  for (std::size_t i = steps.size(); i-- > 0 && finest.size() < 3;)
    if (errors[i] > 1e-11) {
      finest.push_back(steps[i]);
      left.push_back(errors[i]);
    }
  return fitted_slope(finest, left);
}

/// The order of a sampler on levels between 10 and 0.05 (or as given), spaced as in levels_between.
inline double order_between(const std::string& name, double rho, const GivenOptions& given = {},
                            bool exact_history = false, double first = 10, double last = 0.05) {
  const Sampler& sampler = *find_entry(samplers(), name);
  std::vector<double> steps, errors;
  for (std::int64_t n = 40; n <= 1280; n *= 2) {
    steps.push_back(static_cast<double>(n));
    errors.push_back(error_of_map(sampler, given, levels_between(first, last, n, rho), exact_history));
  }
  return order_of(steps, errors);
}

}  // namespace noiseutils
