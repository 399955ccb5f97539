#include <cmath>

#include "sample/chains.hpp"
#include "sample/langevin_proposal.hpp"
#include "sample/parallel_vectors.hpp"
#include "sample/target.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

/// The Metropolis-adjusted Langevin algorithm for p_s: the proposal of ula,
///   y = x + epsilon grad log p_s(x) + sqrt(2 epsilon) z,   q(y | x) = N(y; x + epsilon grad log p_s(x), 2 epsilon I),
/// is taken with probability min(1, p_s(y) q(x | y) / (p_s(x) q(y | x))), each vector by itself: p_s is invariant
/// whatever epsilon is. Sources: Besag 1994; Roberts, Tweedie 1996, section 1.4.2.
template <class T>
class AdjustedLangevin : public Chain<T> {
 public:
  AdjustedLangevin(const SamplerRun<T>& run, std::size_t size)
      : run_(run),
        model_(model_of(run.target, "mala")),
        rate_(run.options.number("step-size")),
        x0_(size),
        y_(size),
        y0_(size),
        uniforms_(size / static_cast<std::size_t>(run.dim)),
        accepted_(uniforms_.size()) {}

  void enter(double s, std::span<const T> x) override {
    s_ = s;
    run_.denoise(s_, x, x0_);
    log_p_ = log_densities_of(x);
  }

  void step(std::span<T> x) override {
    run_.normals(y_);
    combine<T>(y_, {{1 - rate_, x}, {rate_, x0_}, {std::sqrt(2 * rate_) * s_, y_}});
    run_.denoise(s_, y_, y0_);
    const std::vector<double> log_p_y = log_densities_of(y_);
    run_.uniforms(uniforms_);
    const LangevinProposal proposal{rate_, s_};
    const auto d = static_cast<std::size_t>(run_.dim);
    parallel_vectors(static_cast<std::int64_t>(uniforms_.size()), run_.dim, [&](std::int64_t vector) {
      const auto v = static_cast<std::size_t>(vector);
      const std::span<T> own = x.subspan(v * d, d), own0 = std::span<T>(x0_).subspan(v * d, d);
      const std::span<const T> y = std::span<const T>(y_).subspan(v * d, d),
                               y0 = std::span<const T>(y0_).subspan(v * d, d);
      const double ratio = log_p_y[v] - log_p_[v] + proposal.log_q<T>(own, y, y0) - proposal.log_q<T>(y, own, own0);
      accepted_[v] = std::log(uniforms_[v]) < ratio ? 1 : 0;  // false for NaN
      if (accepted_[v] == 0) return;
      std::copy(y.begin(), y.end(), own.begin());
      std::copy(y0.begin(), y0.end(), own0.begin());
      log_p_[v] = log_p_y[v];
    });
  }

  bool accepts_and_rejects() const override { return true; }
  bool accepted(std::int64_t v) const override { return accepted_[static_cast<std::size_t>(v)] != 0; }
  std::span<const double> log_densities() const override { return log_p_; }

 private:
  /// In double whatever T is: differences of numbers that grow with the dimension are what counts.
  std::vector<double> log_densities_of(std::span<const T> x) const {
    const std::vector<double> doubles(x.begin(), x.end());
    return model_.log_density(s_, std::span<const double>(doubles));
  }

  const SamplerRun<T>& run_;
  const Model& model_;
  double rate_, s_ = 0;
  std::vector<T> x0_, y_, y0_;  // D(x; s), the proposal, D(y; s)
  std::vector<double> log_p_, uniforms_;
  std::vector<char> accepted_;
};

template <class T>
void mala(const SamplerRun<T>& run, std::span<T> x) {
  AdjustedLangevin<T> chain(run, x.size());
  run_chains(run, chain, x);
  jump(run, x);
}

}  // namespace

Sampler mala_sampler() {
  Sampler self;
  self.name = "mala";
  self.summary = "Metropolis-adjusted Langevin chain at each level";
  self.calls_per_step = 21;
  self.stochastic = true;
  self.affine = false;
  self.source = "Roberts, Tweedie 1996, section 1.4.2";
  self.options = chain_options();
  self.options.push_back(step_size_option(2));
  self.options.push_back(keep_noise_option());
  self.run_float = mala<float>;
  self.run_double = mala<double>;
  return self;
}

}  // namespace noiseutils
