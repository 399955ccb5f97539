#include "sample/sample_maker.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "model/linear_model.hpp"
#include "random/random.hpp"
#include "sample/affine_law.hpp"
#include "sample/companions.hpp"
#include "sample/guidance.hpp"
#include "sample/model_coordinates.hpp"
#include "sample/parallel_vectors.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

// As in target.cpp: fixed, so that no figure depends on how a run is cut.
constexpr std::int64_t kVectors = 256;

SamplerFunction<float> function_of(const Sampler& sampler, float) { return sampler.run_float; }
SamplerFunction<double> function_of(const Sampler& sampler, double) { return sampler.run_double; }

/// Whether nothing of the sample is left at the start (zero terminal SNR). The first step is then
/// x = E[x_0] + s_1 n, and the sampler goes on along the others.
bool starts_from_nothing(const Schedule& schedule) { return !std::isfinite(schedule.s(0)); }

Schedule finite_part(Schedule schedule) {
  if (starts_from_nothing(schedule)) schedule.levels.erase(schedule.levels.begin());
  return schedule;
}

/// The draws of a batch of vectors of `dim` values, each from its own streams.
template <class T>
class Draws {
 public:
  Draws(std::uint64_t seed, std::int64_t first, std::int64_t dim) : seed_(seed), first_(first), dim_(dim) {}

  void normals(std::span<T> z) {
    const std::uint64_t draw = draw_++;
    parallel_vectors(static_cast<std::int64_t>(z.size()) / dim_, dim_, [&](std::int64_t v) {
      const std::span<T> own = z.subspan(static_cast<std::size_t>(v * dim_), static_cast<std::size_t>(dim_));
      if constexpr (sizeof(T) == sizeof(double)) {
        fill_normal(key(v, draw), 0, own);
      } else {
        std::vector<double> doubles(own.size());
        fill_normal(key(v, draw), 0, doubles);
        std::transform(doubles.begin(), doubles.end(), own.begin(), [](double n) { return static_cast<T>(n); });
      }
    });
  }
  void uniforms(std::span<double> u) {
    const std::uint64_t draw = draw_++;
    for (std::size_t v = 0; v < u.size(); ++v)
      fill_uniform(key(static_cast<std::int64_t>(v), draw), 0, u.subspan(v, 1));
  }

 private:
  StreamKey key(std::int64_t v, std::uint64_t draw) const {
    return {seed_, Purpose::sampler, static_cast<std::uint64_t>(first_ + v), draw};
  }
  std::uint64_t seed_;
  std::int64_t first_, dim_;
  std::uint64_t draw_ = 0;
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

/// What SamplerRun::fact does for a batch.
std::function<void(std::int64_t, const std::string&, double)> fact_function(std::vector<SampleFacts>& facts) {
  return [&facts](std::int64_t v, const std::string& name, double value) {
    facts[static_cast<std::size_t>(v)][name] = value;
  };
}

/// Float and double by one template: Self has make_batch<T>(batch).
template <class Self>
class EitherType : public SampleMaker {
 public:
  void make(const SampleBatch<float>& batch) override { self().make_batch(batch); }
  void make(const SampleBatch<double>& batch) override { self().make_batch(batch); }

 private:
  Self& self() { return static_cast<Self&>(*this); }
};

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

/// The plain way: a call of the denoiser at each step.
class Steps : public EitherType<Steps> {
 public:
  Steps(Target& target, SamplingPlan plan)
      : target_(target), plan_(std::move(plan)), schedule_(finite_part(plan_.schedule)) {}

  template <class T>
  void make_batch(const SampleBatch<T>& batch) {
    const std::span<T> x = batch.x;
    Draws<T> draws(plan_.seed, batch.first, target_.dim());
    fill_start(plan_, schedule_.s(0), draws, batch, target_.dim());
    target_.expect(plan_.sampler.vector_by_vector ? Target::CallSize::one_vector : Target::CallSize::batch);
    const double alpha = schedule_.levels.back().alpha;
    if (plan_.invert) combine(x, {{1 / alpha, x}});
    if (starts_from_nothing(plan_.schedule)) {
      std::vector<T> mean(x.size());
      target_.denoise(kBeyondAllData, std::span<const T>(x), std::span<T>(mean));
      combine(x, {{1, x}, {1, mean}});
    }
    std::int64_t evaluated = 0;
    SamplerRun<T> run{[&](double s, std::span<const T> y, std::span<T> x0) {
                        evaluated += static_cast<std::int64_t>(y.size()) / target_.dim();
                        target_.denoise(s, y, x0);
                      },
                      schedule_, plan_.options, target_.dim()};
    run.normals = [&](std::span<T> z) { draws.normals(z); };
    run.uniforms = [&](std::span<double> u) { draws.uniforms(u); };
    run.observer = batch.observer;
    run.target = &target_;
    run.fact = fact_function(*batch.facts);
    run.from_states = plan_.start != nullptr;
    run.seed = plan_.seed;
    const BatchCompanions<T> companions(plan_, batch, target_.shape());
    if (plan_.companion)
      run.companion_source = [&](const std::string& name, std::int64_t, std::span<T> values) {
        return companions.read(name, values);
      };
    if (batch.companions != nullptr)
      run.companion_sink = [&](const std::string& name, std::int64_t vectors, std::span<const T> values) {
        companions.keep(name, vectors, values);
      };
    run.observe(0, x);
    function_of(plan_.sampler, T())(run, x);
    const double calls = static_cast<double>(evaluated) / static_cast<double>(run.count(x));
    for (SampleFacts& own : *batch.facts)
      if (!plan_.sampler.affine) own.try_emplace("nfe", calls);
    if (!plan_.invert) combine(x, {{alpha, x}});
  }

 private:
  Target& target_;
  SamplingPlan plan_;
  Schedule schedule_;
};

/// Steps of an affine sampler on a Gaussian law in the coordinates of its own basis, where the denoiser is one gain a
/// coefficient. Draws are of the coefficients: other samples than those of Steps, of the same law, since normals stay
/// normals under rotation.
class StepsInCoordinates : public EitherType<StepsInCoordinates> {
 public:
  StepsInCoordinates(const LinearModel& model, SamplingPlan plan)
      : coordinates_(model), plan_(std::move(plan)), schedule_(finite_part(plan_.schedule)) {}

  template <class T>
  void make_batch(const SampleBatch<T>& batch) {
    const std::int64_t count = static_cast<std::int64_t>(batch.x.size()) / coordinates_.samples_dim();
    const std::int64_t dim = coordinates_.dim();
    std::vector<T> state(static_cast<std::size_t>(count * dim));
    Draws<T> draws(plan_.seed, batch.first, dim);
    if (plan_.start) {
      fill_start(plan_, schedule_.s(0), draws, batch, coordinates_.samples_dim());
      coordinates_.analyse<T>(batch.x, state);
    } else {
      draws.normals(state);
      combine<T>(state, {{schedule_.s(0), state}});
      if (starts_from_nothing(plan_.schedule)) coordinates_.add_mean<T>(state);
    }
    SamplerRun<T> run{[&](double s, std::span<const T> y, std::span<T> x0) { coordinates_.denoise<T>(s, y, x0); },
                      schedule_, plan_.options, dim};
    run.normals = [&](std::span<T> z) { draws.normals(z); };
    run.fact = fact_function(*batch.facts);
    run.from_states = plan_.start != nullptr;
    if (batch.observer)
      run.observer = [&](std::int64_t i, std::span<const T> c) {
        coordinates_.synthesise<T>(c, batch.x);
        batch.observer(i, batch.x);
      };
    run.observe(0, state);
    function_of(plan_.sampler, T())(run, state);
    coordinates_.synthesise<T>(state, batch.x);
    combine(batch.x, {{schedule_.levels.back().alpha, batch.x}});
  }

 private:
  ModelCoordinates coordinates_;
  SamplingPlan plan_;
  Schedule schedule_;
};

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
    map_ = model.gain_map(gains(form.start), MeanUse::none, kVectors);
    if (!form.noise.empty()) {
      std::vector<double> spread(lambda.size());
      for (std::size_t k = 0; k < lambda.size(); ++k) spread[k] = alpha * std::sqrt(form.noise_variance(k));
      noise_map_ = model.gain_map(gains(std::move(spread)), MeanUse::none, kVectors);
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

/// Whether that is less work than steps are: the affine form has as many states as there are draws. A fixed bound, so
/// that it does not depend on how many samples a job makes.
bool comes_at_once(const LinearModel& model, const SamplingPlan& plan) {
  const SamplerCost cost = sampler_cost({plan.sampler, plan.options, finite_part(plan.schedule)});
  const auto draws = static_cast<double>(cost.draws), modes = static_cast<double>(model.rank() + 1);
  return !cost.tells && draws * draws * modes < 1e9;
}

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
    return std::make_unique<Steps>(target, std::move(plan));
  std::unique_ptr<SampleMaker> steps;
  if (plan.sampler.stochastic)
    steps = std::make_unique<StepsInCoordinates>(*linear, plan);
  else
    steps = std::make_unique<Steps>(target, plan);
  if (!comes_at_once(*linear, plan)) return steps;
  return std::make_unique<AtOnceOrSteps>(*linear, plan, std::move(steps));
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
