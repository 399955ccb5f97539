#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sample/shortest_path.hpp"
#include "sample/target.hpp"

namespace noiseutils {
namespace {

constexpr double kLeastVariance = 1e-12;  // a frequency that a model has nothing at still needs a path

std::vector<double> spectrum_of(const OptionValues& options, const Model& model, const SpectralShape& shape,
                                std::vector<double> radii) {
  if (options.text("spectrum") == "model") {
    std::vector<double> own = own_spectrum(model, shape);
    for (double& value : own) value = std::max(value, kLeastVariance);
    return own;
  }
  for (double& k : radii)
    k = options.number("power-scale") / std::pow(k + options.number("power-offset"), options.number("power-exponent"));
  return radii;
}

/// g = sqrt(alpha_bar) and h = sqrt(1 - alpha_bar) of each frequency.
struct PathLevel {
  std::vector<double> g, h;
  PathLevel(const std::vector<double>& spectrum, double tau) {
    for (const double s : spectrum) {
      const double retained = shortest_path_retained(s, tau);
      g.push_back(std::sqrt(retained));
      h.push_back(std::sqrt(std::max(0.0, 1 - retained)));
    }
  }
};

/// What a step from level t to s makes of x0, x and z at each frequency: DDIM's,
///   x_s = g_s x0 + sqrt(h_s^2 - q) (x - g x0) / h + sqrt(q) z,   q = eta^2 (h_s / h)^2 (1 - (g / g_s)^2)
/// for eta = 1 the posterior of DDPM.
struct PathStep {
  std::vector<double> of_x0, of_x, of_z;
  PathStep(const PathLevel& t, const PathLevel& s, double eta) {
    for (std::size_t f = 0; f < t.g.size(); ++f) {
      const double share = s.h[f] / t.h[f], ratio = t.g[f] / s.g[f];
      const double q = eta * eta * share * share * (1 - ratio * ratio);
      const double kept = std::sqrt(std::max(0.0, s.h[f] * s.h[f] - q)) / t.h[f];
      of_x0.push_back(s.g[f] - kept * t.g[f]);
      of_x.push_back(kept);
      of_z.push_back(std::sqrt(std::max(0.0, q)));
    }
  }
};

/// Shortest-path diffusion: each Fourier coefficient has the schedule that takes its variance along the geodesic from 1
/// to S(k), the power spectrum, in N equal steps of tau from 0 to 1, so that high frequencies, which have little of it,
/// wait for the low ones; DDIM's steps of each. S(k) = c1 / (|k| + c2)^m, or that of a stationary model.
/// Source: Das et al. 2023, sections 3 and 4.
template <class T>
void spd(const SamplerRun<T>& run, std::span<T> x) {
  if (run.target == nullptr || run.target->model() == nullptr)
    throw UsageError(
        "--sampler spd asks for E[x_0 | x] under noise that is not white, which no program tells; give "
        "--model");
  const Model& model = *run.target->model();
  const SpectralFilter<T> filter(run.target->axes(), run.target->shape());
  const std::vector<double> spectrum = spectrum_of(run.options, model, filter.shape(), filter.radii());
  const auto denoiser = coloured_denoiser<T>(model, filter);
  const double eta = run.options.number("eta"), n = static_cast<double>(run.steps());
  std::vector<T> x0(x.size()), z(x.size());
  if (!run.from_states) run.normals(x);
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const PathLevel t(spectrum, static_cast<double>(i) / n), s(spectrum, static_cast<double>(i + 1) / n);
    denoiser->denoise(t.g, t.h, x, x0);
    if (i + 1 < run.steps()) {
      const PathStep step(t, s, eta);
      if (eta > 0) run.normals(z);
      filter.sum(x, {{step.of_x0, x0}, {step.of_x, x}, {step.of_z, z}});
    } else {
      std::copy(x0.begin(), x0.end(), x.begin());
    }
    run.observe(i + 1, x);
  }
  for (std::int64_t v = 0; v < run.count(x); ++v) run.tell(v, "nfe", n);
}

}  // namespace

Sampler spd_sampler() {
  Sampler self;
  self.name = "spd";
  self.summary = "shortest-path diffusion: a schedule of its own for each frequency, from a power spectrum";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.affine = false;  // frequencies mix elements
  self.own_times = true;
  self.source = "Das et al. 2023";
  self.options = {
      number("eta", "E", "fresh noise on the way: 0 none, 1 as much as the ancestral sampler")
          .otherwise("1")
          .at_least(0)
          .at_most(1),
      choice("spectrum", {"power", "model"},
             "the power spectrum of the paths: a power law, or that of a stationary model")
          .otherwise("power"),
      number("power-scale", "C", "of the power law C / (|k| + O)^M, k in cycles across the image")
          .otherwise("1.59")
          .above(0),
      number("power-offset", "O", "of the power law").otherwise("0.0086").above(0),
      number("power-exponent", "M", "of the power law").otherwise("2").at_least(0).at_most(10),
  };
  self.run_float = spd<float>;
  self.run_double = spd<double>;
  return self;
}

}  // namespace noiseutils
