#include <cmath>

#include "sample/parallel_vectors.hpp"
#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t e = 0; e < a.size(); ++e) sum += a[e] * b[e];
  return sum;
}

/// The direction of Levenberg-Marquardt-Langevin: (e~ e~^T / Lambda + I)^-1 e by Sherman and Morrison, scaled to the
/// norm of e, with e~ = kappa e_before + (1 - kappa) e:
///   e' = c (e - e~ <e, e~> / (Lambda + |e~|^2)),   |e'| = |e|
/// e is replaced by it. Its coefficients of e and of e_before are taken over the common denominator Lambda + |e~|^2,
/// where the large terms cancel by algebra: at kappa = 0 they leave Lambda e, where the difference element by element
/// would leave few digits (in single precision at Lambda = 0.001 none: noise of 10 %).
void damp(std::span<double> e, std::span<const double> before, double kappa, double lambda) {
  const double ee = dot(e, e), ep = dot(e, before), pp = dot(before, before);
  const double of_e = lambda + kappa * (kappa * pp + (1 - kappa) * ep);
  const double of_before = -kappa * (kappa * ep + (1 - kappa) * ee);
  std::vector<double> damped(e.size());
  combine<double>(damped, {{of_e, e}, {of_before, before}});
  const double square = dot(damped, damped);
  if (square > 0) combine(e, {{std::sqrt(ee / square), damped}});
}

/// Levenberg-Marquardt-Langevin on DDIM: x <- x0 + s_(i+1) e' with x0 = D(x; s_i), e' the damped direction of
/// e = (x - x0) / s_i and of that of the step before, each vector by itself and in double. At kappa = 0, the default of
/// all published scripts, e' is e: Sherman and Morrison's vector is parallel to it, and its length is restored.
/// Source: Wang et al. 2025 (arXiv 2505.24222).
template <class T>
void lml(const SamplerRun<T>& run, std::span<T> x) {
  const double kappa = run.options.number("kappa"), lambda = run.options.number("damping");
  const auto d = static_cast<std::size_t>(run.dim);
  std::vector<T> x0(x.size());
  std::vector<double> e(x.size()), before(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double a = run.s(i), b = run.s(i + 1);
    run.denoise(a, x, x0);
    parallel_vectors(run.count(x), run.dim, [&](std::int64_t vector) {
      const std::size_t first = static_cast<std::size_t>(vector) * d;
      const std::span<double> own = std::span<double>(e).subspan(first, d);
      for (std::size_t j = 0; j < d; ++j)
        own[j] = (static_cast<double>(x[first + j]) - static_cast<double>(x0[first + j])) / a;
      const auto raw = std::vector<double>(own.begin(), own.end());
      if (i > 0) damp(own, std::span<const double>(before).subspan(first, d), kappa, lambda);
      for (std::size_t j = 0; j < d; ++j) {
        x[first + j] = static_cast<T>(static_cast<double>(x0[first + j]) + b * own[j]);
        before[first + j] = raw[j];
      }
    });
    run.observe(i + 1, x);
  }
}

}  // namespace

Sampler lml_sampler() {
  Sampler self;
  self.name = "lml";
  self.summary = "DDIM with Levenberg-Marquardt-Langevin directions; DDIM itself at --kappa 0";
  self.order = 1;  // at kappa 0
  self.calls_per_step = 1;
  self.affine = false;
  self.source = "Wang et al. 2025";
  self.options = {
      number("kappa", "K", "how much of the direction before goes into the damped one")
          .otherwise("0")
          .at_least(0)
          .at_most(1),
      number("damping", "L", "added to the squared norm of the damped direction")
          .otherwise("0.001")
          .above(0)
          .at_most(1e12),
  };
  self.run_float = lml<float>;
  self.run_double = lml<double>;
  return self;
}

}  // namespace noiseutils
