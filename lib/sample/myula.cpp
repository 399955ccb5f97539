#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/registry.hpp"
#include "sample/chains.hpp"
#include "sample/parallel_vectors.hpp"
#include "sample/proximal.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// Moreau-Yosida regularised ULA for the density p_s(x) exp(-w g(x)) up to its constant, the model's law times a prior
/// whose g has no gradient: with the gradient of its envelope, (x - prox_(gamma w g)(x)) / gamma,
///   x <- x + epsilon (grad log p_s(x) - (x - prox_(gamma w g)(x)) / gamma) + sqrt(2 epsilon) z
/// epsilon = R s^2, gamma = c s^2. For g = |x| the envelope is below w g by gamma w^2 / 2 at most.
/// Source: Durmus, Moulines, Pereyra 2018.
template <class T>
class ProximalLangevin : public Chain<T> {
 public:
  ProximalLangevin(const SamplerRun<T>& run, std::size_t size)
      : run_(run),
        term_(*find_entry(proximal_terms(), run.options.text("proximal"))),
        weight_(run.options.number("prior-weight")),
        rate_(run.options.number("step-size")),
        smoothing_(run.options.number("smoothing")),
        x0_(size),
        z_(size),
        prox_(size) {
    if (rate_ * (1 + 1 / smoothing_) >= 2)
      throw UsageError("--step-size " + format_number(rate_) + " does not stay bounded: it must be below " +
                       format_number(2 / (1 + 1 / smoothing_)) + ", 2 / (1 + 1 / --smoothing)");
  }

  void enter(double s, std::span<const T>) override { s_ = s; }
  void step(std::span<T> x) override {
    run_.denoise(s_, x, x0_);
    run_.normals(z_);
    const double t = smoothing_ * s_ * s_ * weight_, pull = rate_ / smoothing_;
    const auto d = static_cast<std::size_t>(run_.dim);
    parallel_vectors(run_.count(x), run_.dim, [&](std::int64_t v) {
      const std::size_t first = static_cast<std::size_t>(v) * d;
      for (std::size_t e = first; e < first + d; ++e)
        prox_[e] = static_cast<T>(term_.prox(static_cast<double>(x[e]), t));
    });
    combine(x, {{1 - rate_ - pull, x}, {rate_, x0_}, {pull, prox_}, {std::sqrt(2 * rate_) * s_, z_}});
  }

 private:
  const SamplerRun<T>& run_;
  const ProximalTerm& term_;
  double weight_, rate_, smoothing_, s_ = 0;
  std::vector<T> x0_, z_, prox_;
};

template <class T>
void myula(const SamplerRun<T>& run, std::span<T> x) {
  ProximalLangevin<T> chain(run, x.size());
  run_chains(run, chain, x);
  if (last_noisy_level(run.schedule) < run.steps()) run.observe(run.steps(), x);
}

std::vector<std::string> term_names() {
  std::vector<std::string> names;
  for (const ProximalTerm& term : proximal_terms()) names.push_back(term.name);
  return names;
}

}  // namespace

Sampler myula_sampler() {
  Sampler self;
  self.name = "myula";
  self.summary = "Langevin chain for the model's law times a prior without gradient, such as exp(-w |x|)";
  self.calls_per_step = 20;
  self.stochastic = true;
  self.affine = false;
  self.own_law = true;
  self.source = "Durmus, Moulines, Pereyra 2018";
  self.options = chain_options();
  self.options.push_back(step_size_option(2));
  self.options.push_back(choice("proximal", term_names(), "g of the prior exp(-w g(x))").otherwise("l1"));
  self.options.push_back(
      number("prior-weight", "W", "w of the prior, in inverse units of g").otherwise("1").at_least(0).at_most(1e12));
  self.options.push_back(number("smoothing", "C", "parameter of the prior's Moreau envelope, in units of s^2")
                             .otherwise("1")
                             .above(0)
                             .at_most(1e6));
  self.run_float = myula<float>;
  self.run_double = myula<double>;
  return self;
}

}  // namespace noiseutils
