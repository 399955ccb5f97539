#include "sample/exact_flow.hpp"

#include <cmath>

#include "base/error.hpp"
#include "sample/sampler.hpp"
#include "sample/target.hpp"

namespace noiseutils {
namespace {

/// x <- the exact solution of the probability flow at each level, of a Gaussian law: no call of the denoiser, no error.
template <class T>
void exact_flow_steps(const SamplerRun<T>& run, std::span<T> x) {
  const Model* model = run.target == nullptr ? nullptr : run.target->model();
  const LinearModel* law = model == nullptr ? nullptr : model->linear();
  if (law == nullptr) throw UsageError("--sampler exact-flow is the flow of a Gaussian law; give such a --model");
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    law->gain_map(exact_flow(*law, run.s(i), run.s(i + 1)), MeanUse::affine, kSampledVectors)
        ->apply(std::span<const T>(x), x);
    run.observe(i + 1, x);
  }
}

}  // namespace

Gains exact_flow(const LinearModel& law, double from, double to) {
  return law.gains([&](double lambda) { return std::sqrt((lambda + to * to) / (lambda + from * from)); });
}

Sampler exact_flow_sampler() {
  Sampler self;
  self.name = "exact-flow";
  self.summary = "the closed-form probability flow of a Gaussian law";
  self.affine = false;  // its gains are those of the law, not of calls of D
  self.source = "Wang, Vastola 2023";
  self.run_float = exact_flow_steps<float>;
  self.run_double = exact_flow_steps<double>;
  return self;
}

}  // namespace noiseutils
