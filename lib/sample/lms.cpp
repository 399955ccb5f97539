#include "sample/exponential.hpp"
#include "sample/multistep.hpp"

namespace noiseutils {
namespace {

/// Linear multistep with the true levels, the variable-step Adams-Bashforth method of K values for dx/ds = e: the
/// polynomial through e_i, ... e_(i-K+1), as a function of s, integrated from a = s_i to b = s_(i+1). In the variable
/// (s - a) / (b - a) its moments are 1/(n+1). Step i < K - 1 has i + 1 values.
template <class T, int K>
void lms(const SamplerRun<T>& run, std::span<T> x) {
  linear_multistep(run, x, K, [&](std::int64_t i) {
    const double a = run.s(i), b = run.s(i + 1);
    std::vector<double> nodes, moments;
    for (std::int64_t j = 0; j <= i && j < K; ++j) {
      nodes.push_back((run.s(i - j) - a) / (b - a));
      moments.push_back(1.0 / static_cast<double>(j + 1));
    }
    return weights_of_moments(nodes, moments);
  });
}

template <class T>
SamplerFunction<T> lms_of(int k) {
  return k == 4 ? lms<T, 4> : k == 3 ? lms<T, 3> : k == 2 ? lms<T, 2> : lms<T, 1>;
}

}  // namespace

Sampler lms_sampler(int k) {
  Sampler self;
  self.name = "lms-" + std::to_string(k);
  self.summary =
      "linear multistep (Adams-Bashforth) in sigma with " + std::to_string(k) + (k == 1 ? " value" : " values");
  self.order = k;
  self.calls_per_step = 1;
  self.minimum_steps = k;
  self.source = "Hairer, Norsett, Wanner, Solving ordinary differential equations I, III.5";
  self.run_float = lms_of<float>(k);
  self.run_double = lms_of<double>(k);
  return self;
}

}  // namespace noiseutils
