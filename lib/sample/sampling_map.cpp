#include "sample/sampling_map.hpp"

#include <cmath>

#include "base/error.hpp"
#include "model/linear_model.hpp"

namespace noiseutils {
namespace {

// Kinds choose the cheaper of equal ways by the number of vectors. It is fixed here: a choice by the number of samples
// asked for would give the parts of an array job other bytes than the whole.
constexpr std::int64_t kVectors = 256;
constexpr double kBeyondAllData = 1e150;  // a sigma at which E[x_0 | x] is E[x_0] to the last digit

SamplerFunction<float> function_of(const Sampler& sampler, float) { return sampler.run_float; }
SamplerFunction<double> function_of(const Sampler& sampler, double) { return sampler.run_double; }

class ExactDraws : public VectorMap {
 public:
  explicit ExactDraws(const Model& model) : model_(model) {}
  std::int64_t dim() const override { return model_.dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { model_.draw(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { model_.draw(in, out); }

 private:
  const Model& model_;
};

/// Whether nothing of the sample is left at the start (zero terminal SNR). The first step is then
/// x = E[x_0] + s_1 n, and the sampler goes on along the others.
bool starts_from_nothing(const Schedule& schedule) { return !std::isfinite(schedule.s(0)); }

Schedule without_start(Schedule schedule) {
  schedule.levels.erase(schedule.levels.begin());
  return schedule;
}

/// The plain way: a call of the denoiser a step.
class Steps : public VectorMap {
 public:
  Steps(const Model& model, const Sampler& sampler, const Schedule& schedule)
      : model_(model), sampler_(sampler), schedule_(schedule) {}
  std::int64_t dim() const override { return model_.dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { run(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { run(in, out); }

 private:
  template <class T>
  void run(std::span<const T> normals, std::span<T> x) const {
    const bool from_nothing = starts_from_nothing(schedule_);
    const Schedule schedule = from_nothing ? without_start(schedule_) : schedule_;
    const T start = static_cast<T>(schedule.s(0)), end = static_cast<T>(schedule.levels.back().alpha);
    for (std::size_t e = 0; e < x.size(); ++e) x[e] = start * normals[e];
    if (from_nothing) {
      std::vector<T> mean(x.size());
      model_.denoiser(kBeyondAllData, kVectors)->apply(std::span<const T>(x), mean);
      for (std::size_t e = 0; e < x.size(); ++e) x[e] += mean[e];
    }
    const DenoiserFunction<T> denoiser = [this](double s, std::span<const T> y, std::span<T> x0) {
      model_.denoiser(s, kVectors)->apply(y, x0);
    };
    function_of(sampler_, T())(denoiser, schedule, x);
    for (T& value : x) value *= end;
  }

  const Model& model_;
  const Sampler sampler_;
  const Schedule schedule_;
};

/// in * before, then the map, then * after.
class ScaledMap : public VectorMap {
 public:
  ScaledMap(double before, std::unique_ptr<VectorMap> map, double after)
      : before_(before), map_(std::move(map)), after_(after) {}
  std::int64_t dim() const override { return map_->dim(); }
  void apply(std::span<const float> in, std::span<float> out) const override { run(in, out); }
  void apply(std::span<const double> in, std::span<double> out) const override { run(in, out); }

 private:
  template <class T>
  void run(std::span<const T> in, std::span<T> out) const {
    for (std::size_t e = 0; e < in.size(); ++e) out[e] = static_cast<T>(before_) * in[e];
    map_->apply(out, out);
    if (after_ != 1)
      for (T& value : out) value *= static_cast<T>(after_);
  }

  double before_;
  std::unique_ptr<VectorMap> map_;
  double after_;
};

/// What all steps together multiply each coefficient of x - mean by. The posterior mean of a linear model acts on each
/// coefficient by itself, D(x; s)_k = lambda_k / (lambda_k + s^2) x_k, so the sampler itself, run once on the vector of
/// ones, computes the product of its factors: for DDIM prod_i (1 + (b - a) a / (lambda_k + a^2)).
Gains collapsed_gains(const LinearModel& model, const Sampler& sampler, const Schedule& schedule) {
  std::vector<double> gains(static_cast<std::size_t>(model.rank()) + 1, 1.0);
  const DenoiserFunction<double> denoiser = [&](double s, std::span<const double> x, std::span<double> x0) {
    const Gains wiener = model.wiener_gains(s);
    for (std::size_t k = 0; k + 1 < x.size(); ++k) x0[k] = wiener.coefficients[k] * x[k];
    x0.back() = wiener.residual * x.back();
  };
  sampler.run_double(denoiser, schedule, gains);
  const double residual = gains.back();
  gains.pop_back();
  return {std::move(gains), residual};
}

}  // namespace

std::unique_ptr<VectorMap> sampling_map(const Model& model, const Sampler& sampler, const Schedule& schedule,
                                        Stepping stepping) {
  if (!sampler.takes_steps()) return std::make_unique<ExactDraws>(model);
  const LinearModel* linear = model.linear();
  if (linear == nullptr || sampler.stochastic || stepping == Stepping::one_by_one)
    return std::make_unique<Steps>(model, sampler, schedule);
  const bool from_nothing = starts_from_nothing(schedule);
  const Schedule finite = from_nothing ? without_start(schedule) : schedule;
  auto all_steps = linear->gain_map(collapsed_gains(*linear, sampler, finite),
                                    from_nothing ? MeanUse::add : MeanUse::affine, kVectors);
  return std::make_unique<ScaledMap>(finite.s(0), std::move(all_steps), finite.levels.back().alpha);
}

std::int64_t denoiser_calls(const Sampler& sampler, const Schedule& schedule) {
  if (!sampler.takes_steps()) return 0;
  std::int64_t calls = 0;
  const DenoiserFunction<double> count = [&](double, std::span<const double>, std::span<double> x0) {
    ++calls;
    x0[0] = 0;
  };
  double state = 1;
  sampler.run_double(count, schedule, {&state, 1});
  return calls;
}

}  // namespace noiseutils
