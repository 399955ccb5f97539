#include "sample/ddim_inversion.hpp"

#include <algorithm>

#include "sample/vectors.hpp"

namespace noiseutils {

OptionSpec fixed_point_option() {
  return integer("fixed-point", "K", "--invert: iterations that make each step the inverse of the step back")
      .at_least(1)
      .at_most(1e5);
}

template <class T>
void ddim_step_back(const SamplerRun<T>& run, std::int64_t i, std::span<T> x) {
  const double a = run.s(i), b = run.s(i + 1), level = b > 0 ? b : a;
  std::vector<T> x0(x.size());
  run.denoise(level, x, x0);
  const double c = (a - b) / level;
  combine(x, {{1 + c, x}, {-c, x0}});
}

template <class T>
void ddim_inversion(const SamplerRun<T>& run, std::span<T> x) {
  const bool implicit = run.options.declared("fixed-point") && run.options.has("fixed-point");
  const std::int64_t iterations = implicit ? run.options.integer("fixed-point") : 0;
  std::vector<T> clean(x.size()), x0(x.size());
  for (std::int64_t i = run.steps() - 1; i >= 0; --i) {
    if (iterations > 0) std::copy(x.begin(), x.end(), clean.begin());
    ddim_step_back(run, i, x);
    const double c = 1 - run.s(i + 1) / run.s(i);
    for (std::int64_t k = 0; k < iterations; ++k) {
      run.denoise(run.s(i), x, x0);
      combine(x, {{1, clean}, {c, x}, {-c, x0}});
    }
    run.observe(run.steps() - i, x);
  }
}

template void ddim_step_back(const SamplerRun<float>&, std::int64_t, std::span<float>);
template void ddim_step_back(const SamplerRun<double>&, std::int64_t, std::span<double>);
template void ddim_inversion(const SamplerRun<float>&, std::span<float>);
template void ddim_inversion(const SamplerRun<double>&, std::span<double>);

}  // namespace noiseutils
