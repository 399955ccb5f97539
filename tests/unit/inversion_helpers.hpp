#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "fitted_slope.hpp"
#include "model/model.hpp"
#include "sample/affine_law.hpp"
#include "sample/sampler.hpp"
#include "sampler_helpers.hpp"

namespace noiseutils {

/// What travels beside states, by name.
using TestCompanions = std::map<std::string, std::vector<double>>;

/// Runs one way of a sampler on the state x, draws filled by `normals`; reads the companions and leaves its own.
inline std::vector<double> run_one_way(const Sampler& sampler, const OptionValues& options, const Schedule& schedule,
                                       const DenoiserFunction<double>& denoiser, std::int64_t dim,
                                       std::vector<double> x, TestCompanions& companions,
                                       std::function<void(std::span<double>)> normals = {}) {
  SamplerRun<double> run{denoiser, schedule, options, dim};
  run.normals = std::move(normals);
  run.companion_source = [&](const std::string& name, std::int64_t, std::span<double> values) {
    const auto found = companions.find(name);
    if (found == companions.end()) return false;
    if (found->second.size() != values.size()) throw InternalError("a companion of another size");
    std::copy(found->second.begin(), found->second.end(), values.begin());
    return true;
  };
  TestCompanions kept;
  run.companion_sink = [&](const std::string& name, std::int64_t, std::span<const double> values) {
    kept[name].assign(values.begin(), values.end());
  };
  sampler.run_double(run, x);
  companions = kept;
  return x;
}

inline DenoiserFunction<double> denoiser_of(const Model& model) {
  return [target = std::shared_ptr<Target>(target_of(model))](double s, std::span<const double> x,
                                                              std::span<double> x0) { target->denoise(s, x, x0); };
}

/// D(x; s) = mu + v / (v + s^2) (x - mu), element by element.
inline DenoiserFunction<double> scalar_denoiser(double mu, double v) {
  return [mu, v](double s, std::span<const double> x, std::span<double> x0) {
    for (std::size_t e = 0; e < x.size(); ++e) x0[e] = mu + v / (v + s * s) * (x[e] - mu);
  };
}

}  // namespace noiseutils
