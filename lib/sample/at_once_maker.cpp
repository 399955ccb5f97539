#include <cmath>

#include "base/threads.hpp"
#include "sample/affine_law.hpp"
#include "sample/makers.hpp"

namespace noiseutils {
namespace {

/// All steps of an affine sampler on a Gaussian law at once: x(s_N) = A x(s_0) + b + C z, with A the gains of its
/// affine form, for DDIM prod_i (1 + (b - a) a / (lambda_k + a^2)), and C the root of the sum of the squares of its
/// draws' coefficients: one draw has the law of them all.
class AllStepsAtOnce : public EitherType<AllStepsAtOnce> {
 public:
  AllStepsAtOnce(const LinearModel& model, SamplingPlan plan) : dim_(model.dim()), plan_(std::move(plan)) {
    const Schedule schedule = finite_part(plan_.schedule);
    std::vector<double> lambda = model.eigenvalues();
    lambda.push_back(model.residual_variance());
    SamplerSettings settings{plan_.sampler, plan_.options, schedule};
    settings.from_states = plan_.start != nullptr;
    AffineLaw form = affine_law(settings, lambda);
    if (starts_from_nothing(plan_.schedule))
      for (std::size_t k = 0; k < lambda.size(); ++k) form.mean[k] += form.start[k];
    const double alpha = schedule.levels.back().alpha;
    for (std::size_t k = 0; k < lambda.size(); ++k) {
      form.start[k] *= alpha;
      form.mean[k] *= alpha;
    }
    offset_.resize(static_cast<std::size_t>(dim_));
    model.gain_map(gains(form.mean), MeanUse::none, 1)->apply(model.mean(), std::span<double>(offset_));
    map_ = model.gain_map(gains(form.start), MeanUse::none, kSampledVectors);
    if (!form.noise.empty()) {
      std::vector<double> spread(lambda.size());
      for (std::size_t k = 0; k < lambda.size(); ++k) spread[k] = alpha * std::sqrt(form.noise_variance(k));
      noise_map_ = model.gain_map(gains(std::move(spread)), MeanUse::none, kSampledVectors);
    }
    start_ = schedule.s(0);
  }

  template <class T>
  void make_batch(const SampleBatch<T>& batch) {
    Draws<T> draws(plan_.seed, batch.first, dim_);
    fill_start(plan_, start_, draws, batch, dim_);
    map_->apply(std::span<const T>(batch.x), batch.x);
    if (noise_map_) {
      std::vector<T> z(batch.x.size());
      draws.normals(z);
      noise_map_->apply(std::span<const T>(z), std::span<T>(z));
      combine(batch.x, {{1, batch.x}, {1, z}});
    }
    const std::vector<T> offset(offset_.begin(), offset_.end());
    parallel_blocks(static_cast<std::int64_t>(batch.x.size()) / dim_, [&](std::int64_t v) {
      const std::span<T> own = batch.x.subspan(static_cast<std::size_t>(v * dim_), offset.size());
      combine(own, {{1, own}, {1, offset}});
    });
  }

 private:
  /// The last one is that of what lies outside the basis.
  static Gains gains(std::vector<double> all) {
    const double residual = all.back();
    all.pop_back();
    return {std::move(all), residual};
  }

  std::int64_t dim_;
  SamplingPlan plan_;
  std::vector<double> offset_;
  std::unique_ptr<VectorMap> map_, noise_map_;
  double start_ = 0;
};

/// All steps at once where the plan is free to, and nobody wants to see the states between.
class AtOnceOrSteps : public EitherType<AtOnceOrSteps> {
 public:
  AtOnceOrSteps(const LinearModel& model, const SamplingPlan& plan, std::unique_ptr<SampleMaker> steps)
      : at_once_(model, plan), steps_(std::move(steps)) {}
  template <class T>
  void make_batch(const SampleBatch<T>& batch) {
    batch.observer ? steps_->make(batch) : at_once_.make(batch);
  }

 private:
  AllStepsAtOnce at_once_;
  std::unique_ptr<SampleMaker> steps_;
};

}  // namespace

std::unique_ptr<SampleMaker> at_once_maker(const LinearModel& model, const SamplingPlan& plan,
                                           std::unique_ptr<SampleMaker> steps) {
  return std::make_unique<AtOnceOrSteps>(model, plan, std::move(steps));
}

}  // namespace noiseutils
