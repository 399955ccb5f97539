#include <cmath>

#include "sample/chains.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// The unadjusted Langevin algorithm for p_s, the law of x_0 + s n:
///   x <- x + epsilon grad log p_s(x) + sqrt(2 epsilon) z,   grad log p_s(x) = (D(x; s) - x) / s^2,   epsilon = R s^2
/// Of a Gaussian mode of variance V = lambda + s^2 its own law has the variance V / (1 - epsilon / (2 V)): a step that
/// is short beside s^2 is short beside every mode.
/// Source: Roberts, Tweedie 1996, section 1.4.1.
template <class T>
class UnadjustedLangevin : public Chain<T> {
 public:
  UnadjustedLangevin(const SamplerRun<T>& run, std::size_t size)
      : run_(run), rate_(run.options.number("step-size")), x0_(size), z_(size) {}

  void enter(double s, std::span<const T>) override { s_ = s; }
  void step(std::span<T> x) override {
    run_.denoise(s_, x, x0_);
    run_.normals(z_);
    combine(x, {{1 - rate_, x}, {rate_, x0_}, {std::sqrt(2 * rate_) * s_, z_}});
  }

 private:
  const SamplerRun<T>& run_;
  double rate_, s_ = 0;
  std::vector<T> x0_, z_;
};

template <class T>
void ula(const SamplerRun<T>& run, std::span<T> x) {
  UnadjustedLangevin<T> chain(run, x.size());
  run_chains(run, chain, x);
  jump(run, x);
}

}  // namespace

Sampler ula_sampler() {
  Sampler self;
  self.name = "ula";
  self.summary = "unadjusted Langevin chain at each level";
  self.calls_per_step = 20;
  self.stochastic = true;
  self.source = "Roberts, Tweedie 1996, section 1.4.1";
  self.options = chain_options();
  self.options.push_back(step_size_option(2));
  self.options.push_back(keep_noise_option());
  self.run_float = ula<float>;
  self.run_double = ula<double>;
  return self;
}

}  // namespace noiseutils
