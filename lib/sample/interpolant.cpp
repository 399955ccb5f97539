#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "model/model_kinds.hpp"
#include "sample/gaussian_parts.hpp"
#include "sample/interpolant_field.hpp"
#include "sample/target.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

std::unique_ptr<Model> base_model(const OptionValues& options, const Model* law) {
  if (!options.has("base")) return nullptr;
  const std::string& path = options.text("base");
  if (law == nullptr) throw UsageError("--base: between two laws both must be models; give --model");
  std::unique_ptr<Model> base = load_model(path);
  if (base->info().shape != law->info().shape)
    throw DataError(path + ": samples of shape " + shape_text(base->info().shape) + ", those of the model have " +
                    shape_text(law->info().shape));
  return base;
}

/// The steps from t to t - h, with a field that is known.
template <class T>
class Integrator {
 public:
  Integrator(const SamplerRun<T>& run, InterpolantField<T>& field, std::size_t size)
      : run_(run), field_(field), b_(size), s_(size), z_(size), next_(size), b_next_(size), s_next_(size) {}

  /// x <- x - h b + eps h score + sqrt(2 eps h) z: Euler's method, of Heun's the predictor; with `correct` b and score
  /// are then the means of those at both ends. The noise is the same for both, which is of weak order 2 since it does
  /// not depend on x.
  void step(double t, double h, double eps, bool correct, std::span<T> x) {
    evaluate(t, x, b_, s_);
    const double noise = std::sqrt(2 * eps * h);
    if (eps > 0) run_.normals(z_);
    combine<T>(next_, {{1, x}, {-h, b_}, {eps * h, s_}, {noise, z_}});
    if (correct) {
      evaluate(std::max(t - h, 0.0), next_, b_next_, s_next_);
      combine<T>(next_,
                 {{1, x}, {-h / 2, b_}, {-h / 2, b_next_}, {eps * h / 2, s_}, {eps * h / 2, s_next_}, {noise, z_}});
    }
    std::copy(next_.begin(), next_.end(), x.begin());
  }
  std::int64_t evaluations() const { return evaluations_; }

 private:
  void evaluate(double t, std::span<const T> x, std::span<T> b, std::span<T> s) {
    field_.at(t, x, b, s);
    ++evaluations_;
  }

  const SamplerRun<T>& run_;
  InterpolantField<T>& field_;
  std::vector<T> b_, s_, z_, next_, b_next_, s_next_;
  std::int64_t evaluations_ = 0;
};

/// Along the stochastic interpolant from x_1 of the base law, at t = 1, to x_0 of the model, at t = 0, in N equal
/// steps: the flow dx/dt = b, or with eps > 0 the diffusion of the same marginal laws, backwards in time
///   x(t - dt) = x - b dt + eps score dt + sqrt(2 eps dt) z.
/// eps is 0 in the last step: noise of variance 2 eps h would stay in x_0. At t = 0 itself b is asked for only where
/// the law is wider than the noise of the step before, a h: else b is steeper there than a step can follow. Source:
/// Albergo, Boffi, Vanden-Eijnden 2023, theorem 2.6 and corollaries.
template <class T>
void interpolant(const SamplerRun<T>& run, std::span<T> x) {
  const Model* law = run.target != nullptr ? run.target->model() : nullptr;
  const BridgeNoise gamma{run.options.number("bridge-noise")};
  const double eps = run.options.number("epsilon"), h = 1 / static_cast<double>(run.steps());
  const bool heun = run.options.text("integrator") == "heun";
  const auto base = base_model(run.options, law);
  const auto field = base ? field_between<T>(*law, *base, gamma) : field_to_normal<T>(run, gamma);
  if (!run.from_states) {
    std::vector<T> z(x.size());
    run.normals(z);
    if (base)
      base->draw(std::span<const T>(z), x);
    else
      std::copy(z.begin(), z.end(), x.begin());
  }
  const bool to_the_end = law != nullptr && smallest_variance(*law) >= gamma.a * h && smallest_variance(*law) > 0;
  Integrator<T> integrator(run, *field, x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const bool last = i + 1 == run.steps();
    const double t = 1 - static_cast<double>(i) * h;
    integrator.step(t, last ? t : h, last ? 0 : eps, heun && (!last || to_the_end), x);
    run.observe(i + 1, x);
  }
  for (std::int64_t v = 0; v < run.count(x); ++v) run.tell(v, "nfe", static_cast<double>(integrator.evaluations()));
}

}  // namespace

Sampler interpolant_sampler() {
  Sampler self;
  self.name = "interpolant";
  self.summary = "stochastic interpolant from a base law to the model's: its flow, or its diffusion";
  self.order = 2;
  self.calls_per_step = 2;
  self.stochastic = true;
  self.affine = false;  // of two laws, whose bases differ
  self.own_times = true;
  self.source = "Albergo, Boffi, Vanden-Eijnden 2023";
  self.options = {
      file("base", "FILE", "model of the law to start from, gaussian or mixture; default: the standard normal law"),
      number("bridge-noise", "A", "variance of the noise between the two laws is A t (1 - t)")
          .otherwise("1")
          .at_least(0),
      number("epsilon", "E", "strength of fresh noise on the way; 0: the flow").otherwise("0").at_least(0),
      choice("integrator", {"heun", "euler"}, "order 2 at two calls a step, or order 1 at one").otherwise("heun"),
  };
  self.run_float = interpolant<float>;
  self.run_double = interpolant<double>;
  return self;
}

}  // namespace noiseutils
