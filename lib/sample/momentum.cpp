#include "sample/momentum.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "sample/exponential.hpp"
#include "sample/multistep.hpp"

namespace noiseutils {

std::vector<double> heavy_ball_weights(int k, double beta) {
  std::vector<double> weights(static_cast<std::size_t>(k), 0.0), gamma;
  for (int n = 0; n < k; ++n) {
    gamma.push_back(1);
    for (int j = 0; j < n; ++j) gamma.back() -= gamma[static_cast<std::size_t>(j)] / (n + 1 - j);
    const double on_nabla = beta * gamma.back() + (n > 0 ? (1 - beta) * gamma[static_cast<std::size_t>(n) - 1] : 0);
    double binomial = 1;  // nabla^n = (1 - shift)^n
    for (int j = 0; j <= n; ++j) {
      weights[static_cast<std::size_t>(j)] += on_nabla * binomial;
      binomial *= -static_cast<double>(n - j) / (j + 1);
    }
  }
  for (double& w : weights) w /= beta;
  return weights;
}

namespace {

/// Order k - 1 + beta: k values, damping beta in (0, 1].
struct MomentumOrder {
  int k;
  double beta;
};

template <class T>
MomentumOrder momentum_order(const SamplerRun<T>& run) {
  const double order = run.options.number("order");
  const int k = static_cast<int>(std::ceil(order));
  if (run.steps() < k)
    throw UsageError("--order " + format_number(order) + " needs at least " + std::to_string(k) + " steps");
  return {k, order - k + 1};
}

int known_at(std::int64_t i, int k) { return static_cast<int>(std::min<std::int64_t>(i + 1, k)); }

/// Polyak's heavy ball on the direction of Adams-Bashforth, and Nesterov's variant of it:
///   e* = AB_k(e_i, e_(i-1), ...),   v <- (1 - beta) v + beta e*   (v = e_0 at first)
///   heavy ball:  x <- x + (b - a) v
///   Nesterov:    x <- x + (b - a) ((1 - beta) v + beta e*)
template <class T, bool Nesterov>
void damped(const SamplerRun<T>& run, std::span<T> x) {
  const auto [k, beta] = momentum_order(run);
  History<T> e(static_cast<std::size_t>(k), x.size());
  std::vector<T> v(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1);
    run.epsilon(a, x, e.next());
    std::vector<double> w = adams_bashforth(known_at(i, k));
    for (double& value : w) value *= beta;
    add_history<T>(v, i == 0 ? 0 : 1 - beta, i == 0 ? std::vector<double>{1} : w, e);
    if (!step_by_flow(run, i, static_cast<std::size_t>(k), x)) {
      std::vector<Term<T>> terms{{1, x}, {(b - a) * (Nesterov ? 1 - beta : 1), v}};
      for (std::size_t j = 0; Nesterov && j < w.size(); ++j) terms.push_back({(b - a) * w[j], e[j]});
      combine<T>(x, std::span<const Term<T>>(terms));
    }
    run.observe(i + 1, x);
  }
}

/// Generalised heavy ball: the damping comes first, and the coefficients of the multistep method make up for its lag.
///   v_i = (1 - beta) v_(i-1) + beta e_i   (v_0 = e_0),   x <- x + (b - a) sum_j w_j v_(i-j)
template <class T>
void ghvb(const SamplerRun<T>& run, std::span<T> x) {
  const auto [k, beta] = momentum_order(run);
  History<T> v(static_cast<std::size_t>(k), x.size());
  std::vector<T> e(x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1);
    run.epsilon(a, x, e);
    const std::vector<T>& before = v[0];  // with k = 1 the new one takes its place
    combine<T>(v.next(), {{i == 0 ? 0 : 1 - beta, before}, {i == 0 ? 1 : beta, e}});
    if (!step_by_flow(run, i, static_cast<std::size_t>(k), x)) {
      std::vector<double> w = heavy_ball_weights(known_at(i, k), beta);
      for (double& value : w) value *= b - a;
      add_history<T>(x, 1, w, v);
    }
    run.observe(i + 1, x);
  }
}

Sampler momentum_sampler(std::string name, std::string summary, std::int64_t order) {
  Sampler self;
  self.name = std::move(name);
  self.summary = std::move(summary);
  self.order = order;
  self.calls_per_step = 1;
  self.source = "Wizadwongsa, Chinchuthakun, Khungurn, Raj, Suwajanakorn 2023";
  self.options = {
      number("order", "R", "order k - 1 + beta of a method with momentum: k directions, damped by beta in (0, 1]")
          .otherwise("1.5")
          .above(0)
          .at_most(5)};
  return self;
}

}  // namespace

Sampler heavy_ball_sampler() {
  Sampler self = momentum_sampler("heavy-ball", "linear multistep with Polyak's heavy ball", 1);
  self.run_float = damped<float, false>;
  self.run_double = damped<double, false>;
  return self;
}

Sampler nesterov_sampler() {
  Sampler self = momentum_sampler("nesterov", "linear multistep with Nesterov's momentum", 1);
  self.run_float = damped<float, true>;
  self.run_double = damped<double, true>;
  return self;
}

Sampler ghvb_sampler() {
  Sampler self = momentum_sampler("ghvb", "generalised heavy ball: momentum that keeps the order", 2);
  self.run_float = ghvb<float>;
  self.run_double = ghvb<double>;
  return self;
}

}  // namespace noiseutils
