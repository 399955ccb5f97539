#pragma once

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "random/random.hpp"
#include "sampler_helpers.hpp"

namespace noiseutils {

using GivenOptions = std::vector<std::pair<std::string, std::string>>;

/// The schedule of these noise levels, of data that keeps its scale.
inline Schedule schedule_of_levels(const std::vector<double>& s) {
  Schedule schedule;
  schedule.name = "levels";
  for (const double level : s) schedule.levels.push_back({1, level});
  return schedule;
}

/// Normals of the tests' own, another batch for each number.
inline std::vector<double> probe_normals(std::size_t count, std::uint64_t number) {
  std::vector<double> n(count);
  fill_normal({29, Purpose::probe, number, 0}, 0, std::span<double>(n));
  return n;
}

struct ChainResult {
  std::vector<double> x;
  std::vector<SampleFacts> facts;
};

/// What a sampler makes of these starts along these levels.
inline ChainResult run_from(const Model& model, const Sampler& sampler, const GivenOptions& options,
                            const Schedule& schedule, std::vector<double> starts) {
  const auto target = target_of(model);
  SamplingPlan plan{sampler, options_of(sampler, options), schedule};
  plan.stepping = Stepping::one_by_one;
  plan.start = [&](std::int64_t i, std::span<double> x) {
    std::copy_n(starts.begin() + i * model.dim(), model.dim(), x.begin());
  };
  ChainResult result;
  result.x.resize(starts.size());
  result.facts.resize(starts.size() / static_cast<std::size_t>(model.dim()));
  sample_maker(*target, plan)->make(SampleBatch<double>{0, result.x, &result.facts});
  return result;
}

/// Draws from p_s: exact ones of the model plus noise.
inline std::vector<double> noisy_draws(const Model& model, double s, std::size_t count, std::uint64_t number) {
  const auto d = static_cast<std::size_t>(model.dim());
  std::vector<double> x(count * d);
  model.draw(std::span<const double>(probe_normals(count * d, number)), std::span<double>(x));
  const std::vector<double> n = probe_normals(count * d, number + 1000);
  for (std::size_t e = 0; e < x.size(); ++e) x[e] += s * n[e];
  return x;
}

/// Mean of one fact over the samples.
inline double mean_fact(const std::vector<SampleFacts>& facts, const std::string& name) {
  double sum = 0;
  for (const SampleFacts& own : facts) sum += own.at(name);
  return sum / static_cast<double>(facts.size());
}

inline double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

}  // namespace noiseutils
