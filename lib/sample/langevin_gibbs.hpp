#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/model.hpp"
#include "sample/level_posterior.hpp"
#include "sample/sampler.hpp"

namespace noiseutils {

/// Denoising Langevin Gibbs: a chain of (x, s), the state and its noise level, each vector with its own, for the law
/// p_s(x) pi(s), pi uniform over levels that are equally spaced in log s:
///   x <- a Langevin step for p_s, of epsilon = R s^2, with or without its Metropolis test
///   s <- a draw from p(s | x) = p_s(x) pi(s) / sum_s' p_s'(x) pi(s')
/// exact, from log densities. The marginal of s is pi with the test; without it the state is a little too wide, which
/// reads as more noise, and s drifts upwards.
/// Source: Kim, Ye 2022, whose draw of s is a classifier's.
template <class T>
class LangevinGibbs {
 public:
  /// By --levels between `high` and `low`, --step-size and --langevin; from the states x, at the level `low`.
  LangevinGibbs(const SamplerRun<T>& run, const Model& model, double high, double low, std::span<const T> x);

  void step(std::span<T> x);
  double sigma(std::int64_t v) const { return s_[static_cast<std::size_t>(v)]; }
  bool accepted(std::int64_t v) const { return accepted_[static_cast<std::size_t>(v)] != 0; }
  std::int64_t calls_per_step() const { return adjusted_ ? 2 : 1; }

 private:
  void move(std::span<T> x);
  void draw_levels();

  const SamplerRun<T>& run_;
  const Model& model_;
  LevelPosterior posterior_;
  bool adjusted_;
  double rate_;
  std::vector<std::int64_t> all_;
  std::vector<std::size_t> level_;            ///< of each vector
  std::vector<double> s_, log_p_, uniforms_;  ///< log_p_: of x at all levels
  std::vector<char> accepted_;
  std::vector<T> x0_, y_, y0_;
};

}  // namespace noiseutils
