#pragma once

#include <memory>
#include <vector>

#include "sample/sample_maker.hpp"

namespace noiseutils {

/// A model that outlives the target, as one.
inline std::unique_ptr<Target> target_of(const Model& model) {
  return model_target(std::shared_ptr<const Model>(std::shared_ptr<const Model>(), &model));
}

/// The options of a sampler by default, but for those given by name and value.
inline OptionValues options_of(const Sampler& sampler,
                               const std::vector<std::pair<std::string, std::string>>& given = {}) {
  OptionValues values;
  for (const OptionSpec& option : sampler.options) {
    std::vector<std::string> typed;
    for (const auto& [name, value] : given)
      if (name == option.name) typed.push_back(value);
    values.set(option, typed);
  }
  return values;
}

/// What a sampler makes of the starts s_0 n, a vector of normals after the other.
template <class T>
std::vector<T> run_from_normals(const Model& model, const Sampler& sampler, const Schedule& schedule, Stepping stepping,
                                const std::vector<T>& n) {
  const auto target = target_of(model);
  SamplingPlan plan{sampler, options_of(sampler), schedule};
  plan.stepping = stepping;
  const double s0 = schedule.s(0);
  plan.start = [&](std::int64_t i, std::span<double> x) {
    for (std::size_t e = 0; e < x.size(); ++e)
      x[e] = s0 * static_cast<double>(n[static_cast<std::size_t>(i) * x.size() + e]);
  };
  std::vector<T> x(n.size());
  std::vector<SampleFacts> facts(x.size() / static_cast<std::size_t>(model.dim()));
  sample_maker(*target, plan)->make(SampleBatch<T>{0, x, &facts});
  return x;
}

}  // namespace noiseutils
