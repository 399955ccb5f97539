#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/linear_model.hpp"
#include "sample/draws.hpp"
#include "sample/sample_maker.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {

// The makers that sample_maker() chooses from, and what they share.

/// A call of the denoiser at each step.
std::unique_ptr<SampleMaker> steps_maker(Target& target, SamplingPlan plan);
/// The same of an affine sampler in the model's own coordinates.
std::unique_ptr<SampleMaker> coordinates_maker(const LinearModel& model, SamplingPlan plan);
/// All steps of an affine sampler at once, but where somebody wants to see the states between: then `steps`.
std::unique_ptr<SampleMaker> at_once_maker(const LinearModel& model, const SamplingPlan& plan,
                                           std::unique_ptr<SampleMaker> steps);

/// Whether nothing of the sample is left at the start (zero terminal SNR). The first step is then
/// x = E[x_0] + s_1 n, and the sampler goes on along the others.
bool starts_from_nothing(const Schedule& schedule);
/// The schedule without such a level.
Schedule finite_part(Schedule schedule);

/// Float and double by one template: Self has make_batch<T>(batch).
template <class Self>
class EitherType : public SampleMaker {
 public:
  void make(const SampleBatch<float>& batch) override { self().make_batch(batch); }
  void make(const SampleBatch<double>& batch) override { self().make_batch(batch); }

 private:
  Self& self() { return static_cast<Self&>(*this); }
};

/// x(s_0) in the coordinates of the samples: what the plan starts from, or normals times s_0.
template <class T>
void fill_start(const SamplingPlan& plan, double s0, Draws<T>& draws, const SampleBatch<T>& batch, std::int64_t dim) {
  draws.normals(batch.x);
  if (!plan.start) return combine(batch.x, {{s0, batch.x}});
  std::vector<double> start(static_cast<std::size_t>(dim));
  for (std::int64_t v = 0; v * dim < static_cast<std::int64_t>(batch.x.size()); ++v) {
    plan.start(batch.first + v, start);
    std::transform(start.begin(), start.end(), batch.x.begin() + v * dim, batch.x.begin() + v * dim,
                   [&](double x, T n) { return static_cast<T>(x + plan.start_noise * static_cast<double>(n)); });
  }
}

}  // namespace noiseutils
