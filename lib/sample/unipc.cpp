#include <cmath>

#include "sample/exponential.hpp"
#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// What UniPC's formulas have for one step a -> b: with lambda = -log s, h = lambda(b) - lambda(a), and hh = -h where
/// the model gives x0, h where it gives the noise; B(hh) = hh (bh1) or e^hh - 1 (bh2).
struct UniPCStep {
  double keep, once;  ///< base = keep x + once m_i: the step of order 1
  double C, B;
  std::vector<double> r;  ///< (lambda_(i-k) - lambda_i) / h, k = 1 ... p - 1, then 1
  std::vector<double> b;  ///< j! hh phi_(j+1)(hh) / B, j = 1 ... p
};

template <class T>
UniPCStep unipc_step(const SamplerRun<T>& run, std::int64_t i, int p) {
  const double s = run.s(i), next = run.s(i + 1), h = std::log(s / next);
  const bool epsilon = run.options.text("prediction") == "epsilon";
  const double hh = epsilon ? h : -h;
  UniPCStep step;
  step.C = epsilon ? next : 1;
  step.keep = epsilon ? 1 : next / s;
  step.once = -step.C * std::expm1(hh);
  step.B = run.options.text("variant") == "bh1" ? hh : std::expm1(hh);
  double factorial = 1;
  for (int j = 1; j <= p; ++j) {
    step.r.push_back(j == p ? 1 : std::log(s / run.s(i - j)) / h);
    step.b.push_back((factorial *= j) * hh * phi(j + 1, hh) / step.B);
  }
  return step;
}

/// rho of sum_k rho_k r_k^(j-1) = b_j, j = 1 ... n; for a single difference the 1/2 of the paper, which is what it is
/// to the order that matters, whatever B.
std::vector<double> unipc_rho(const UniPCStep& step, std::size_t n) {
  if (n == 1) return {0.5};
  return weights_of_moments(std::span(step.r).first(n), std::span(step.b).first(n));
}

/// out = base - C B sum_k rho_k (m_(i-k) - m_i) / r_k, where m_i = m[now] and the new m_(i+1), if there is one, is
/// m[0].
template <class T>
void unipc_update(std::span<T> out, std::span<const T> x, const UniPCStep& step, const std::vector<double>& rho,
                  const History<T>& m, std::size_t now) {
  double on_m_i = step.once;
  std::vector<Term<T>> terms{{step.keep, x}};
  for (std::size_t k = 0; k < rho.size(); ++k) {
    const bool is_new = now == 1 && k + 1 == rho.size();
    const double c = -step.C * step.B * rho[k] / step.r[k];
    terms.push_back({c, is_new ? m[0] : m[now + k + 1]});
    on_m_i -= c;
  }
  terms.push_back({on_m_i, m[now]});
  combine<T>(out, std::span<const Term<T>>(terms));
}

/// UniPC of P outputs m_i of the model (x0 or noise): a predictor of order P, then a corrector of order P + 1 with the
/// output at the predicted point, which the next step uses as it is: one call a step. The last step is not corrected,
/// and takes min(P, steps left) outputs where orders are lowered at the end.
template <class T, int P>
void unipc(const SamplerRun<T>& run, std::span<T> x) {
  const bool epsilon = run.options.text("prediction") == "epsilon";
  History<T> m(P + 1, x.size());
  const auto model = [&](double s, std::span<const T> y) {
    epsilon ? run.epsilon(s, y, m.next()) : run.denoise(s, y, m.next());
  };
  std::vector<T> predicted(x.size());
  model(run.s(0), x);
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const double b = run.s(i + 1);
    const bool last = i + 1 == run.steps();
    if (b == 0) {  // base at h = infinity
      combine<T>(x, {{epsilon ? 1.0 : 0.0, x}, {epsilon ? -run.s(i) : 1, m[0]}});
    } else if (step_by_flow(run, i, P, x)) {
      if (!last) model(b, x);
    } else {
      int p = static_cast<int>(std::min<std::int64_t>(P, i + 1));
      if (run.lower_order_final) p = static_cast<int>(std::min<std::int64_t>(p, run.steps() - i));
      const UniPCStep step = unipc_step(run, i, p);
      const auto ahead = p == 1 ? std::vector<double>{} : unipc_rho(step, static_cast<std::size_t>(p) - 1);
      unipc_update<T>(last ? x : std::span<T>(predicted), x, step, ahead, m, 0);
      if (!last) {
        model(b, predicted);
        unipc_update<T>(x, x, step, unipc_rho(step, static_cast<std::size_t>(p)), m, 1);
      }
    }
    run.observe(i + 1, x);
  }
}

template <class T>
SamplerFunction<T> unipc_of(int p) {
  return p == 3 ? unipc<T, 3> : p == 2 ? unipc<T, 2> : unipc<T, 1>;
}

}  // namespace

Sampler unipc_sampler(int p) {
  Sampler self;
  self.name = "unipc-" + std::to_string(p);
  self.summary = "UniPC with " + std::to_string(p) + (p == 1 ? " output" : " outputs") + " of the model, corrected";
  self.order = p + 1;
  self.calls_per_step = 1;
  self.minimum_steps = p;
  self.source = "Zhao, Bai, Rao, Zhou, Lu 2023, algorithms 1 and 2";
  self.options = {choice("variant", {"bh1", "bh2"}, "B(h) of UniPC: h, or e^h - 1").otherwise("bh2"),
                  choice("prediction", {"x0", "epsilon"}, "what UniPC extrapolates: the clean sample, or the noise")
                      .otherwise("x0")};
  self.run_float = unipc_of<float>(p);
  self.run_double = unipc_of<double>(p);
  return self;
}

}  // namespace noiseutils
