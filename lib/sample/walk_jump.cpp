#include "sample/chains.hpp"
#include "sample/vectors.hpp"
#include "sample/walk.hpp"

namespace noiseutils {
namespace {

/// Walk-jump: an underdamped walk through noisy data, y ~ p_sigma, and one jump to the estimate of the clean ones,
///   x = D(y; sigma).
/// Of a Gaussian mode Var y = lambda + sigma^2 and Var x = lambda^2 / (lambda + sigma^2): jumps do not draw from the
/// law, they shrink it. Source: Saremi, Hyvarinen 2019; Saremi, Srivastava 2022.
template <class T>
class WalkAtLevel : public Chain<T> {
 public:
  WalkAtLevel(const SamplerRun<T>& run, std::size_t size) : run_(run), walk_(run, size) {}
  void enter(double s, std::span<const T>) override {
    s_ = s;
    walk_.start(s);
  }
  void step(std::span<T> y) override {
    walk_.step(y, [&](std::span<const T> at, std::span<T> g) {  // (D(y; s) - y) / s^2
      run_.denoise(s_, at, g);
      combine(g, {{1 / (s_ * s_), g}, {-1 / (s_ * s_), at}});
    });
  }

 private:
  const SamplerRun<T>& run_;
  UnderdampedWalk<T> walk_;
  double s_ = 0;
};

template <class T>
void walk_jump(const SamplerRun<T>& run, std::span<T> x) {
  WalkAtLevel<T> chain(run, x.size());
  run_chains(run, chain, x);
  jump(run, x);
}

}  // namespace

Sampler walk_jump_sampler() {
  Sampler self;
  self.name = "walk-jump";
  self.summary = "underdamped Langevin walk at each level, then one jump to the estimate";
  self.calls_per_step = 20;
  self.stochastic = true;
  self.source = "Saremi, Hyvarinen 2019; Saremi, Srivastava 2022";
  self.options = chain_options();
  for (const OptionSpec& option : walk_options()) self.options.push_back(option);
  self.options.push_back(keep_noise_option());
  self.run_float = walk_jump<float>;
  self.run_double = walk_jump<double>;
  return self;
}

}  // namespace noiseutils
