#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sample/interpolant_field.hpp"
#include "sample/target.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

template <class T>
class ToNormal : public InterpolantField<T> {
 public:
  ToNormal(const SamplerRun<T>& run, BridgeNoise gamma) : run_(run), gamma_(gamma) {
    if (run.target != nullptr && run.target->model() == nullptr)
      throw UsageError(
          "--sampler interpolant starts at infinite sigma, which no program can be asked for; give --model");
  }

  void at(double t, std::span<const T> x, std::span<T> velocity, std::span<T> score) override {
    const double tau = t * t + gamma_.variance(t);
    if (tau == 0) return at_the_law(x, velocity, score);
    std::span<T> x0 = velocity;
    if (t < 1) {
      combine(score, {{1 / (1 - t), x}});
      run_.denoise(std::sqrt(tau) / (1 - t), score, x0);
    } else {
      run_.denoise(kBeyondAllData, x, x0);
    }
    combine(score, {{-1 / tau, x}, {(1 - t) / tau, x0}});
    combine(velocity, {{-1, x0}, {-(t + gamma_.rate(t)), score}});
  }

 private:
  /// t = 0: E[x_1 | x] = E[x_1] = 0, and gamma' E[z | x] = -gamma gamma' score.
  void at_the_law(std::span<const T> x, std::span<T> velocity, std::span<T> score) {
    if (gamma_.a > 0)
      run_.target->model()->score(0, x, score);
    else
      std::fill(score.begin(), score.end(), T(0));
    combine(velocity, {{-1, x}, {-gamma_.rate(0), score}});
  }

  const SamplerRun<T>& run_;
  BridgeNoise gamma_;
};

}  // namespace

template <class T>
std::unique_ptr<InterpolantField<T>> field_to_normal(const SamplerRun<T>& run, BridgeNoise gamma) {
  return std::make_unique<ToNormal<T>>(run, gamma);
}

template std::unique_ptr<InterpolantField<float>> field_to_normal(const SamplerRun<float>&, BridgeNoise);
template std::unique_ptr<InterpolantField<double>> field_to_normal(const SamplerRun<double>&, BridgeNoise);

}  // namespace noiseutils
