#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sample/element_noise.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

constexpr double kLeastVariance = 1e-8;  // of the mean variance: elements that never change get noise all the same

/// PriorGrad: the noise of element j has deviation s sqrt(v_j), v_j the variance of that element under the model, and
/// the start is the model's mean plus s_0 sqrt(v) n: a prior made from the data, in the place of white noise. Steps are
/// DDIM's, with eta > 0 the ancestral ones, in elements measured by sqrt(v_j); levels s are in units of them. For
/// independent Gaussian elements each then has variance 1, whatever the v_j.
/// Source: Lee et al. 2022, section 3, with mu and Sigma by the model's moments.
template <class T>
void prior_grad(const SamplerRun<T>& run, std::span<T> x) {
  const MeasuredLaw law = law_of_elements(run.target, "--sampler prior-grad");
  const double eta = run.options.number("eta");
  const auto [mean, variance] = law.elements();
  double total = 0;
  for (const double v : variance) total += v;
  const double least = kLeastVariance * total / static_cast<double>(variance.size());
  std::vector<double> unit;
  for (const double v : variance) unit.push_back(std::sqrt(std::max(v, least)));
  if (run.schedule.parameters.contains("from-sigma"))
    throw UsageError("--from-sigma adds white noise, and the noise of prior-grad is none: start from --init as it is");
  std::vector<T> z(x.size());
  if (!run.from_states) {
    run.normals(z);
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] = static_cast<T>(mean[i % unit.size()] + run.s(0) * unit[i % unit.size()] * static_cast<double>(z[i]));
  }
  const auto deviations = [&](std::int64_t i) {
    std::vector<double> s(unit);
    for (double& value : s) value *= run.s(i);
    return s;
  };
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (eta > 0) run.normals(z);
    step_of_elements<T>(law, deviations(i), deviations(i + 1), eta, 0, z, x);
    run.observe(i + 1, x);
  }
  for (std::int64_t v = 0; v < run.count(x); ++v) run.tell(v, "nfe", static_cast<double>(run.steps()));
}

}  // namespace

Sampler prior_grad_sampler() {
  Sampler self;
  self.name = "prior-grad";
  self.summary = "DDIM from a prior with the mean and the variances of the data, in units of these";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.affine = false;  // another noise at each element mixes the eigenmodes
  self.source = "Lee et al. 2022, section 3";
  self.options = {number("eta", "E", "fresh noise on the way: 0 none, 1 as much as the ancestral sampler")
                      .otherwise("0")
                      .at_least(0)
                      .at_most(1)};
  self.run_float = prior_grad<float>;
  self.run_double = prior_grad<double>;
  return self;
}

}  // namespace noiseutils
