#include "sample/cold.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "sample/measured_law.hpp"
#include "sample/target.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

template <class T>
std::vector<T> degraded(const Degradation& deg, double t, std::span<const T> x) {
  const std::vector<double> in(x.begin(), x.end());
  std::vector<double> out(x.size());
  deg.apply(t, in, out);
  std::vector<T> result(x.size());
  std::transform(out.begin(), out.end(), result.begin(), [](double value) { return static_cast<T>(value); });
  return result;
}

}  // namespace

template <class T>
void cold_diffusion(const SamplerRun<T>& run, const Degradation& deg, const Restorer<T>& restorer, ColdMethod method,
                    std::span<T> x) {
  std::vector<T> x0(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double n = static_cast<double>(run.steps()), t = 1 - static_cast<double>(i) / n;
    const double s = i + 1 < run.steps() ? 1 - static_cast<double>(i + 1) / n : 0;
    restorer(t, x, x0);
    const std::vector<T> next = degraded<T>(deg, s, x0);
    if (method == ColdMethod::naive)
      std::copy(next.begin(), next.end(), x.begin());
    else
      combine<T>(x, {{1, x}, {-1, degraded<T>(deg, t, x0)}, {1, next}});
    run.observe(i + 1, x);
  }
}

namespace {

/// E[x_0 | deg(x_0, t) + S n], n white, of a model: deg(., t) as a matrix, from what it makes of the unit vectors.
template <class T>
Restorer<T> restorer_of(const MeasuredLaw& law, const Degradation& deg, std::int64_t dim, double noise) {
  return [&law, &deg, dim, noise](double t, std::span<const T> x, std::span<T> x0) {
    LinearMeasurement measurement;
    const Eigen::MatrixXd units = Eigen::MatrixXd::Identity(dim, dim);
    measurement.a.resize(dim, dim);
    const auto size = static_cast<std::size_t>(dim * dim);
    deg.apply(t, {units.data(), size}, {measurement.a.data(), size});
    measurement.variances.assign(static_cast<std::size_t>(dim), noise * noise);
    law.posterior_mean(measurement)->apply(x, x0);
  };
}

/// Starts from --init, samples that were degraded, or from degraded draws of the model; restores by the model's
/// posterior mean, or by a program, which is told t in the place of sigma.
template <class T>
void cold(const SamplerRun<T>& run, std::span<T> x) {
  if (!run.options.has("operator")) throw UsageError("--sampler cold needs --operator, what degrades");
  if (run.target == nullptr) throw InternalError("cold diffusion without a target");
  const Model* model = run.target->model();
  const auto deg = operator_degradation(run.options.text("operator"), {run.target->axes(), run.target->shape()});
  const ColdMethod method = run.options.text("method") == "tacos" ? ColdMethod::tacos : ColdMethod::naive;
  if (!run.from_states) {
    if (model == nullptr) throw UsageError("--sampler cold starts from degraded samples: give --init");
    std::vector<T> z(x.size());
    run.normals(z);
    model->draw(std::span<const T>(z), x);
    const std::vector<T> start = degraded<T>(*deg, 1, x);
    std::copy(start.begin(), start.end(), x.begin());
  }
  if (model == nullptr)
    return cold_diffusion<T>(
        run, *deg, [&run](double t, std::span<const T> y, std::span<T> x0) { run.denoise(t, y, x0); }, method, x);
  const MeasuredLaw law(*model, "--sampler cold");
  cold_diffusion<T>(run, *deg, restorer_of<T>(law, *deg, run.dim, run.options.number("operator-noise")), method, x);
  for (std::int64_t v = 0; v < run.count(x); ++v) run.tell(v, "nfe", static_cast<double>(run.steps()));
}

}  // namespace

Sampler cold_sampler() {
  Sampler self;
  self.name = "cold";
  self.summary = "cold diffusion: a degradation undone bit by bit";
  self.order = 1;
  self.calls_per_step = 1;
  self.affine = false;  // an operator mixes elements
  self.own_times = true;
  self.source = "Bansal et al. 2023, algorithms 1 and 2";
  self.options = {
      text("operator", "NAME:ARG", "what degrades, as in noise --operator"),
      number("operator-noise", "S", "white noise that the model allows for in what is degraded, in units of data")
          .otherwise("0.01")
          .above(0),
      choice("method", {"tacos", "naive"}, "how a step degrades again").otherwise("tacos"),
  };
  self.run_float = cold<float>;
  self.run_double = cold<double>;
  return self;
}

template void cold_diffusion(const SamplerRun<float>&, const Degradation&, const Restorer<float>&, ColdMethod,
                             std::span<float>);
template void cold_diffusion(const SamplerRun<double>&, const Degradation&, const Restorer<double>&, ColdMethod,
                             std::span<double>);

}  // namespace noiseutils
