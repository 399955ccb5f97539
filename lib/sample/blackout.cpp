#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "base/number.hpp"
#include "base/threads.hpp"
#include "sample/count_law.hpp"
#include "sample/sampler.hpp"
#include "sample/target.hpp"

namespace noiseutils {
namespace {

constexpr double kLogit = 15;              // of the largest p before 1
constexpr double kLargestCount = 1 << 24;  // what a float holds exactly

/// p_0 < p_1 < ... < p_N = 1, equally spaced in log(p / (1 - p)) up to 15; p_0 is `retained`, or 0 with the others
/// spaced from -15.
std::vector<double> retentions(std::int64_t steps, std::optional<double> retained) {
  const double first = retained ? std::log(*retained / (1 - *retained)) : -kLogit;
  std::vector<double> p;
  for (std::int64_t i = 0; i < steps; ++i)
    p.push_back(1 / (1 + std::exp(-(first + (kLogit - first) * static_cast<double>(i) / static_cast<double>(steps)))));
  p.front() = retained.value_or(0);
  p.push_back(1);
  return p;
}

template <class T>
void check_counts(std::span<const T> x) {
  for (const T value : x)
    if (!(value >= 0) || value != std::floor(value) || static_cast<double>(value) > kLargestCount)
      throw DataError("--init: the value " + format_number(static_cast<double>(value)) +
                      " is no count, which blackout starts from");
}

CountLaw law_of(const OptionValues& options, const Target* target) {
  if (target == nullptr || target->model() == nullptr)
    throw UsageError("--sampler blackout needs a law of counts, which no program tells; give --model");
  const std::string& counts = options.text("counts");
  const auto family = counts == "poisson"    ? CountLaw::Family::poisson
                      : counts == "binomial" ? CountLaw::Family::binomial
                                             : CountLaw::Family::points;
  if (options.has("trials") != (family == CountLaw::Family::binomial))
    throw UsageError(options.has("trials") ? "--trials is for --counts binomial" : "--counts binomial needs --trials");
  return CountLaw(family, options.has("trials") ? static_cast<double>(options.integer("trials")) : 0, *target->model());
}

enum class Births { posterior, poisson, mean };

/// What is needed for one step of one vector, from a fraction p to a larger one.
struct BirthStep {
  const CountLaw& law;
  Births births;
  double p, r;  ///< r: the share of the missing counts that appear

  /// `choice`: uniform, of the vector; `u`: one an element.
  void take(double choice, std::span<const double> u, std::span<double> n) const {
    const std::vector<double> weights = law.weights(p, n);
    double total = 0;
    for (const double w : weights) total += w;
    if (total == 0) return;  // by approximate births past all that the law knows: nothing is missing
    std::size_t i = 0;
    for (double left = choice * total - weights[0]; left >= 0 && i + 1 < weights.size();) left -= weights[++i];
    for (std::size_t j = 0; j < n.size(); ++j)
      n[j] += births == Births::posterior ? law.missing(i, j, p, n[j]).thinned(r).draw(u[j])
                                          : approximate(expected(weights, total, j, n[j])).draw(u[j]);
  }

 private:
  double expected(const std::vector<double>& weights, double total, std::size_t j, double count) const {
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i)
      if (weights[i] > 0) sum += weights[i] * law.missing(i, j, p, count).mean();
    return sum / total;
  }
  CountDistribution approximate(double missing) const {
    if (births == Births::poisson) return {true, missing * r, 0};
    return {false, r, std::round(missing)};
  }
};

/// Blackout diffusion: n_t ~ Bin(n_0, p), counts that go out one by one, and their reverse,
///   n_s = n_t + Bin(n_0 - n_t, r),   r = (p_s - p_t) / (1 - p_t)
/// with n_0 drawn from its law given n_t (posterior): exact, whatever the number of steps. Of the paper: E[n_0 - n_t]
/// rounded in the place of n_0 - n_t (mean), or n_s = n_t + Poisson(r E[n_0 - n_t]) (poisson), which is exact for
/// independent Poisson counts alone.
/// Source: Santos, Fox, Lubbers, Lin 2023, section 3 and their code.
template <class T>
void blackout(const SamplerRun<T>& run, std::span<T> x) {
  const CountLaw law = law_of(run.options, run.target);
  const auto retained = run.options.maybe_number("retained");
  if (run.from_states != retained.has_value())
    throw UsageError(retained ? "--retained is the fraction that --init has left; give --init"
                              : "--init: blackout needs --retained, the fraction of the counts that it has left");
  const std::string& name = run.options.text("births");
  const Births births = name == "posterior" ? Births::posterior : name == "poisson" ? Births::poisson : Births::mean;
  if (run.from_states)
    check_counts<T>(x);
  else
    std::fill(x.begin(), x.end(), T(0));
  const std::vector<double> p = retentions(run.steps(), retained);
  std::vector<double> choices(static_cast<std::size_t>(run.count(x)));
  std::vector<T> z(x.size());
  for (std::size_t i = 0; i + 1 < p.size(); ++i) {
    run.uniforms(choices);
    run.normals(z);
    const BirthStep step{law, births, p[i], (p[i + 1] - p[i]) / (1 - p[i])};
    parallel_blocks(run.count(x), [&](std::int64_t v) {
      const auto begin = v * run.dim;
      std::vector<double> n(x.begin() + begin, x.begin() + begin + run.dim), u(n.size());
      for (std::size_t j = 0; j < n.size(); ++j)
        u[j] = std::erfc(-static_cast<double>(z[static_cast<std::size_t>(begin) + j]) / std::sqrt(2.0)) / 2;
      step.take(choices[static_cast<std::size_t>(v)], u, n);
      std::transform(n.begin(), n.end(), x.begin() + begin, [](double value) { return static_cast<T>(value); });
    });
    run.observe(static_cast<std::int64_t>(i) + 1, x);
  }
  for (std::int64_t v = 0; v < run.count(x); ++v) run.tell(v, "nfe", static_cast<double>(run.steps()));
}

}  // namespace

Sampler blackout_sampler() {
  Sampler self;
  self.name = "blackout";
  self.summary = "blackout diffusion of counts, from none to all of them";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.affine = false;  // counts
  self.own_law = true;
  self.own_times = true;
  self.source = "Santos, Fox, Lubbers, Lin 2023";
  self.options = {
      choice("counts", {"poisson", "binomial", "points"},
             "law of the counts: Poisson of the model's values, binomial, or the model's samples themselves")
          .otherwise("poisson"),
      integer("trials", "M", "of --counts binomial, whose probabilities are the model's values / M")
          .at_least(1)
          .at_most(1e9),
      choice("births", {"posterior", "poisson", "mean"}, "what appears in a step: exact in law, or as approximated")
          .otherwise("posterior"),
      number("retained", "P", "start part-way: --init are counts of which a fraction P is left")
          .above(0)
          .at_most(0.999999),
  };
  self.run_float = blackout<float>;
  self.run_double = blackout<double>;
  return self;
}

}  // namespace noiseutils
