#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/registry.hpp"
#include "fitted_slope.hpp"
#include "sample/affine_law.hpp"
#include "sampler_helpers.hpp"

namespace noiseutils {

using GivenOptions = std::vector<std::pair<std::string, std::string>>;

inline const Sampler& sampler_named(const std::string& name) {
  const Sampler* sampler = find_entry(samplers(), name);
  REQUIRE(sampler != nullptr);
  return *sampler;
}

/// Levels that fall from s_0 to s_N by equal factors, alpha = 1.
inline Schedule log_levels(std::int64_t steps, double from, double to) {
  Schedule schedule;
  for (std::int64_t i = 0; i <= steps; ++i)
    schedule.levels.push_back({1, from * std::pow(to / from, static_cast<double>(i) / static_cast<double>(steps))});
  return schedule;
}

/// Variance-preserving levels at equally spaced times from 1 to 0.001, alpha^2 = exp(-B), B = 0.1 t + 9.95 t^2; with
/// `sub`, sub-VP: sigma = 1 - alpha^2.
inline Schedule vp_levels(std::int64_t steps, bool sub = false) {
  Schedule schedule;
  for (std::int64_t i = 0; i <= steps; ++i) {
    const double t = 1 + static_cast<double>(i) / static_cast<double>(steps) * (1e-3 - 1);
    const double decay = t * (0.1 + 9.95 * t), noise = -std::expm1(-decay);
    schedule.levels.push_back({std::exp(-decay / 2), sub ? noise : std::sqrt(noise)});
  }
  return schedule;
}

/// What a sampler makes of modes with these variances, exactly.
inline AffineLaw law_of(const std::string& name, const GivenOptions& given, const Schedule& schedule,
                        const std::vector<double>& lambda, bool exact_history = false) {
  const Sampler& sampler = sampler_named(name);
  const OptionValues options = options_of(sampler, given);
  SamplerSettings settings{sampler, options, schedule};
  settings.lower_order_final = false;
  settings.exact_history = exact_history;
  return affine_law(settings, lambda);
}

/// The largest relative error of mean and variance of what a sampler puts out at s_N, if it starts from the law at s_0
/// itself: of modes of mean 1 and the variances 0.02, 0.3 and 4.
inline double law_error(const std::string& name, const GivenOptions& given, const Schedule& schedule,
                        bool exact_history = false) {
  const std::vector<double> lambda = {0.02, 0.3, 4};
  const AffineLaw law = law_of(name, given, schedule, lambda, exact_history);
  const double s0 = schedule.s(0), s1 = schedule.levels.back().relative();
  double worst = 0;
  for (std::size_t k = 0; k < lambda.size(); ++k) {
    worst = std::max(worst, std::abs(law.start[k] + law.mean[k] - 1));
    worst = std::max(worst, std::abs(law.variance(k, lambda[k] + s0 * s0) / (lambda[k] + s1 * s1) - 1));
  }
  return worst;
}

/// The order of law_error over three numbers of steps.
template <class Levels>
double law_order(const std::string& name, const GivenOptions& given, Levels levels, bool exact_history = false,
                 const std::vector<std::int64_t>& steps = {160, 320, 640}) {
  std::vector<double> n, errors;
  for (const std::int64_t count : steps) {
    n.push_back(static_cast<double>(count));
    errors.push_back(law_error(name, given, levels(count), exact_history));
  }
  return fitted_slope(n, errors);
}

/// The largest difference of two laws, all coefficients.
inline double difference_of_laws(const AffineLaw& a, const AffineLaw& b) {
  REQUIRE(a.noise.size() == b.noise.size());
  double worst = 0;
  const auto compare = [&](const std::vector<double>& u, const std::vector<double>& v) {
    for (std::size_t k = 0; k < u.size(); ++k) worst = std::max(worst, std::abs(u[k] - v[k]));
  };
  compare(a.start, b.start);
  compare(a.mean, b.mean);
  for (std::size_t j = 0; j < a.noise.size(); ++j) compare(a.noise[j], b.noise[j]);
  return worst;
}

}  // namespace noiseutils
