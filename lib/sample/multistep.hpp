#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {

/// The last few vectors of a quantity: [0] is the newest. Nothing is copied as it grows.
template <class T>
class History {
 public:
  History(std::size_t depth, std::size_t size) : vectors_(depth, std::vector<T>(size)) {}
  /// Room for a new one, in place of the oldest.
  std::vector<T>& next() {
    newest_ = (newest_ + vectors_.size() - 1) % vectors_.size();
    return vectors_[newest_];
  }
  const std::vector<T>& operator[](std::size_t ago) const { return vectors_[(newest_ + ago) % vectors_.size()]; }

 private:
  std::vector<std::vector<T>> vectors_;
  std::size_t newest_ = 0;
};

/// x <- c x + sum_j w_j f_(i-j), in one pass.
template <class T>
void add_history(std::span<T> x, double c, std::span<const double> w, const History<T>& f) {
  std::vector<Term<T>> terms{{c, x}};
  for (std::size_t j = 0; j < w.size(); ++j) terms.push_back({w[j], f[j]});
  combine<T>(x, std::span<const Term<T>>(terms));
}

/// If step i leads to s = 0, takes it: x <- D(x; s_i), free of rounding, as every sampler here ends. (At b = 0 one call
/// is all there is: what came before was seen at larger s, and says less about x_0 than this call does.)
template <class T>
bool last_step_to_zero(const SamplerRun<T>& run, std::int64_t i, std::span<T> x) {
  if (run.s(i + 1) != 0) return false;
  std::vector<T> x0(x.size());
  run.denoise(run.s(i), x, x0);
  std::copy(x0.begin(), x0.end(), x.begin());
  run.observe(i + 1, x);
  return true;
}

/// If the flow is known exactly and the history of a method of k values is not yet complete at step i, goes along it.
template <class T>
bool step_by_flow(const SamplerRun<T>& run, std::int64_t i, std::size_t k, std::span<T> x) {
  if (!run.flow || static_cast<std::size_t>(i) + 1 >= k) return false;
  run.flow(run.s(i), run.s(i + 1), x);
  return true;
}

/// A linear multistep method for dx/ds = e(x, s):  x <- x + (b - a) sum_j w_j e_(i-j),  a = s_i, b = s_(i+1).
/// weights(i): the w_j of step i, at most k, and at most i + 1 of them.
/// start(i, e, x): takes step i by itself, where it can, and tells so; e = e_i, e_(i-1), ... is known then.
template <class T, class Weights, class Start>
void linear_multistep(const SamplerRun<T>& run, std::span<T> x, std::size_t k, Weights&& weights, Start&& start) {
  History<T> e(k, x.size());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    if (last_step_to_zero(run, i, x)) return;
    const double a = run.s(i), b = run.s(i + 1);
    run.epsilon(a, x, e.next());
    if (!step_by_flow(run, i, k, x) && !start(i, e, x)) {
      std::vector<double> w = weights(i);
      for (double& value : w) value *= b - a;
      add_history<T>(x, 1, w, e);
    }
    run.observe(i + 1, x);
  }
}

template <class T, class Weights>
void linear_multistep(const SamplerRun<T>& run, std::span<T> x, std::size_t k, Weights&& weights) {
  linear_multistep(run, x, k, weights, [](std::int64_t, const History<T>&, std::span<T>) { return false; });
}

}  // namespace noiseutils
