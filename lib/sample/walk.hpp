#pragma once

#include <functional>
#include <span>
#include <vector>

#include "sample/sampler.hpp"

namespace noiseutils {

/// An underdamped Langevin walk of y with a velocity v for a density p known by its score, by Sachs's splitting:
///   y <- y + delta/2 v,   g = grad log p(y),
///   v <- e^-gamma (v + u delta/2 g) + u delta/2 g + sqrt(u (1 - e^(-2 gamma))) z,
///   y <- y + delta/2 v
/// v starts at 0. Where p is Gaussian y comes to its very variance V, whatever delta < 2 sqrt(V / u); v to that of
/// u / (1 - u delta^2 / (4 V)). Sources: Sachs, Leimkuhler, Danos 2017; Saremi, Srivastava 2022.
template <class T>
class UnderdampedWalk {
 public:
  /// By --walk-step, --friction and --inverse-mass. UsageError where that does not stay bounded for p smoothed by the
  /// scale that start() is told.
  UnderdampedWalk(const SamplerRun<T>& run, std::size_t size);

  /// Of y that is smoothed by noise of standard deviation `scale`: delta = --walk-step scale.
  void start(double scale);
  /// One step, one call of score(y, g), which fills g.
  void step(std::span<T> y, const std::function<void(std::span<const T> y, std::span<T> g)>& score);

 private:
  const SamplerRun<T>& run_;
  double relative_step_, gamma_, u_, delta_ = 0;
  std::vector<T> v_, g_, z_;
};

/// --walk-step, --friction, --inverse-mass
std::vector<OptionSpec> walk_options();

}  // namespace noiseutils
