#include "sample/sample_maker.hpp"

#include <cmath>

#include "base/error.hpp"
#include "sample/affine_law.hpp"
#include "sample/guidance.hpp"
#include "sample/makers.hpp"

namespace noiseutils {
namespace {

class ExactDraws : public EitherType<ExactDraws> {
 public:
  ExactDraws(const Model& model, std::uint64_t seed) : model_(model), seed_(seed) {}
  template <class T>
  void make_batch(const SampleBatch<T>& batch) {
    std::vector<T> n(batch.x.size());
    Draws<T>(seed_, batch.first, model_.dim()).normals(n);
    model_.draw(std::span<const T>(n), batch.x);
  }

 private:
  const Model& model_;
  std::uint64_t seed_;
};

/// Whether it tells numbers about single samples: of the samples themselves, not of their coordinates.
bool tells_facts(const SamplingPlan& plan) {
  return sampler_cost({plan.sampler, plan.options, finite_part(plan.schedule)}).tells;
}

/// Whether that is less work than steps are: the affine form has as many states as there are draws. A fixed bound, so
/// that it does not depend on how many samples a job makes.
bool comes_at_once(const LinearModel& model, const SamplingPlan& plan) {
  const SamplerCost cost = sampler_cost({plan.sampler, plan.options, finite_part(plan.schedule)});
  const auto draws = static_cast<double>(cost.draws), modes = static_cast<double>(model.rank() + 1);
  return !cost.tells && draws * draws * modes < 1e9;
}

/// Whether D can be asked for where s is infinite.
bool knows_every_level(Target& target) {
  if (target.model() != nullptr) return true;
  GuidedTarget* const guided = target.guided();
  return guided != nullptr && guided->conditional().model() != nullptr;
}

/// Dry runs know the way that the plan goes.
Sampler directed(const SamplingPlan& plan) { return plan.invert ? inverse_of(plan.sampler) : plan.sampler; }

void check(Target& target, const SamplingPlan& plan) {
  const Sampler& sampler = plan.sampler;
  if (plan.invert) check_inverse(sampler);
  if (sampler.needs_class && target.guided() == nullptr)
    throw UsageError("--sampler " + sampler.name + " guides towards a class; give --class");
  if (!sampler.takes_steps()) {
    if (target.model() == nullptr && target.guided() != nullptr)
      throw UsageError("--sampler " + sampler.name +
                       " draws from a law, and a guided one is known by its denoiser alone");
    if (target.model() == nullptr) throw UsageError("--sampler " + sampler.name + " draws from a model; give --model");
    if (plan.start) throw UsageError("--sampler " + sampler.name + " takes no steps, so it starts from nothing");
    return;
  }
  if (plan.schedule.steps() < sampler.minimum_steps)
    throw UsageError("--sampler " + sampler.name + " takes at least " + std::to_string(sampler.minimum_steps) +
                     " steps, got " + std::to_string(plan.schedule.steps()));
  if (!starts_from_nothing(plan.schedule)) return;
  if (plan.start) throw UsageError("schedule " + plan.schedule.name + " starts at infinite sigma, which no state has");
  if (!knows_every_level(target))
    throw UsageError("schedule " + plan.schedule.name + " starts at infinite sigma, which no program can be asked for");
  if (plan.schedule.steps() <= sampler.minimum_steps)
    throw UsageError("schedule " + plan.schedule.name + " spends its first step at infinite sigma; raise --steps");
}

}  // namespace

bool starts_from_nothing(const Schedule& schedule) { return !std::isfinite(schedule.s(0)); }

Schedule finite_part(Schedule schedule) {
  if (starts_from_nothing(schedule)) schedule.levels.erase(schedule.levels.begin());
  return schedule;
}

void check_inverse(const Sampler& sampler) {
  if (sampler.has_inverse()) return;
  std::string known;
  for (const Sampler& other : samplers())
    if (other.has_inverse()) known += (known.empty() ? "" : ", ") + other.name;
  throw UsageError("sampler " + sampler.name + " has no inverse; these have one: " + known);
}

std::unique_ptr<SampleMaker> sample_maker(Target& target, SamplingPlan plan) {
  check(target, plan);
  const Model* model = target.model();
  if (!plan.sampler.takes_steps()) return std::make_unique<ExactDraws>(*model, plan.seed);
  const LinearModel* linear = model == nullptr ? nullptr : model->linear();
  plan.sampler = directed(plan);
  if (linear == nullptr || !plan.sampler.affine || plan.stepping == Stepping::one_by_one || plan.companion ||
      plan.makes_companions())
    return steps_maker(target, std::move(plan));
  auto steps =
      plan.sampler.stochastic && !tells_facts(plan) ? coordinates_maker(*linear, plan) : steps_maker(target, plan);
  return comes_at_once(*linear, plan) ? at_once_maker(*linear, plan, std::move(steps)) : std::move(steps);
}

std::optional<std::int64_t> denoiser_calls(const SamplingPlan& plan) {
  if (!plan.sampler.takes_steps()) return 0;
  if (!plan.sampler.affine) return std::nullopt;
  const std::int64_t first = starts_from_nothing(plan.schedule) ? 1 : 0;  // E[x_0]
  const Sampler sampler = directed(plan);
  return first + sampler_cost({sampler, plan.options, finite_part(plan.schedule)}).calls;
}

std::int64_t companion_vectors(const SamplingPlan& plan) {
  if (!plan.makes_companions() || !plan.sampler.affine) return 0;
  const Sampler sampler = directed(plan);
  return sampler_cost({sampler, plan.options, finite_part(plan.schedule)}).companions;
}

}  // namespace noiseutils
