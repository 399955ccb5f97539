#include "sample/companions.hpp"
#include "sample/makers.hpp"
#include "sample/model_coordinates.hpp"

namespace noiseutils {
namespace {

SamplerFunction<float> function_of(const Sampler& sampler, float) { return sampler.run_float; }
SamplerFunction<double> function_of(const Sampler& sampler, double) { return sampler.run_double; }

/// What SamplerRun::fact does for a batch.
std::function<void(std::int64_t, const std::string&, double)> fact_function(std::vector<SampleFacts>& facts) {
  return [&facts](std::int64_t v, const std::string& name, double value) {
    facts[static_cast<std::size_t>(v)][name] = value;
  };
}

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
    const int from_nothing = starts_from_nothing(plan_.schedule) ? 1 : 0;
    if (from_nothing != 0) {
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
      if (!plan_.sampler.affine) own.try_emplace("nfe", calls).first->second += from_nothing;  // E[x_0]
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
    run.uniforms = [&](std::span<double> u) { draws.uniforms(u); };
    run.fact = fact_function(*batch.facts);
    run.from_states = plan_.start != nullptr;
    run.seed = plan_.seed;
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

}  // namespace

std::unique_ptr<SampleMaker> steps_maker(Target& target, SamplingPlan plan) {
  return std::make_unique<Steps>(target, std::move(plan));
}

std::unique_ptr<SampleMaker> coordinates_maker(const LinearModel& model, SamplingPlan plan) {
  return std::make_unique<StepsInCoordinates>(model, std::move(plan));
}

}  // namespace noiseutils
