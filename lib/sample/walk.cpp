#include "sample/walk.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {

std::vector<OptionSpec> walk_options() {
  return {
      number("walk-step", "R", "step of the walk, in units of the noise").otherwise("0.5").above(0).at_most(100),
      number("friction", "G", "a step of the walk keeps e^-G of the velocity").otherwise("1").above(0).at_most(100),
      number("inverse-mass", "U", "variance of the walk's velocity").otherwise("1").above(0).at_most(1e4),
  };
}

template <class T>
UnderdampedWalk<T>::UnderdampedWalk(const SamplerRun<T>& run, std::size_t size)
    : run_(run),
      relative_step_(run.options.number("walk-step")),
      gamma_(run.options.number("friction")),
      u_(run.options.number("inverse-mass")),
      v_(size),
      g_(size),
      z_(size) {
  if (relative_step_ * std::sqrt(u_) >= 2)
    throw UsageError("--walk-step " + format_number(relative_step_) + " does not stay bounded: it must be below " +
                     format_number(2 / std::sqrt(u_)) + ", 2 / sqrt(--inverse-mass)");
}

template <class T>
void UnderdampedWalk<T>::start(double scale) {
  delta_ = relative_step_ * scale;
  std::fill(v_.begin(), v_.end(), T(0));
}

template <class T>
void UnderdampedWalk<T>::step(std::span<T> y, const std::function<void(std::span<const T> y, std::span<T> g)>& score) {
  const double kept = std::exp(-gamma_);
  combine(y, {{1, y}, {delta_ / 2, v_}});
  score(y, g_);
  run_.normals(z_);
  combine<T>(v_, {{kept, v_}, {(1 + kept) * u_ * delta_ / 2, g_}, {std::sqrt(u_ * (1 - kept * kept)), z_}});
  combine(y, {{1, y}, {delta_ / 2, v_}});
}

template class UnderdampedWalk<float>;
template class UnderdampedWalk<double>;

}  // namespace noiseutils
