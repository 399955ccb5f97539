#include <algorithm>

#include "sample/reverse_steps.hpp"
#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

const std::string kNoise = "latent.noise";

/// Noises of all steps of a batch, those of a vector one after the other, as they travel in its record.
template <class T>
class StepNoises {
 public:
  StepNoises(const SamplerRun<T>& run, std::int64_t count) : dim_(run.dim), steps_(noisy_steps(run)) {
    values_.resize(static_cast<std::size_t>(count * steps_ * dim_));
  }
  std::int64_t steps() const { return steps_; }
  std::span<T> values() { return values_; }
  void read(std::int64_t i, std::span<T> z) const {
    for (std::int64_t v = 0; v * dim_ < static_cast<std::int64_t>(z.size()); ++v)
      std::copy_n(values_.begin() + (v * steps_ + i) * dim_, dim_, z.begin() + v * dim_);
  }
  void write(std::int64_t i, std::span<const T> z) {
    for (std::int64_t v = 0; v * dim_ < static_cast<std::int64_t>(z.size()); ++v)
      std::copy_n(z.begin() + v * dim_, dim_, values_.begin() + (v * steps_ + i) * dim_);
  }

 private:
  std::int64_t dim_, steps_;
  std::vector<T> values_;
};

/// DDPM with the noises that an inversion left; without them with fresh ones.
template <class T>
void ddpm(const SamplerRun<T>& run, std::span<T> x) {
  std::vector<T> x0(x.size()), z(x.size());
  StepNoises<T> noises(run, run.companion_source ? run.count(x) : 0);
  const bool given = noises.steps() > 0 && run.load(kNoise, noises.steps(), noises.values());
  for (std::int64_t i = 0; i < run.steps(); ++i) {
    const ReverseStep step = ancestral_step(run, i);
    run.denoise(run.s(i), x, x0);
    if (i < noises.steps()) {
      given ? noises.read(i, z) : run.normals(z);
      combine(x, {{step.estimate, x0}, {step.state, x}, {step.noise, z}});
    } else {
      combine(x, {{step.estimate, x0}, {step.state, x}});
    }
    run.observe(i + 1, x);
  }
}

/// States x_i = x_0 + s_i n_i with independent n_i, unlike those of any chain; then the noises that lead along them:
///   z_i = (x_{i+1} - mu(x_i)) / std,   x_{i+1} <- mu(x_i) + std z_i
/// the latter so that what z_i was rounded by does not add up. z_i has a variance well above 1, and consecutive ones
/// are anticorrelated: the sample is written into the noise.
template <class T>
void edit_friendly_inversion(const SamplerRun<T>& run, std::span<T> x) {
  const std::vector<T> clean(x.begin(), x.end());
  std::vector<T> x0(x.size()), z(x.size()), next(x.size()), mu(x.size());
  StepNoises<T> noises(run, run.count(x));
  run.normals(z);
  combine(x, {{1, clean}, {run.s(0), z}});
  std::vector<T> latent(x.begin(), x.end());
  for (std::int64_t i = 0; i < noises.steps(); ++i) {
    const ReverseStep step = ancestral_step(run, i);
    run.normals(z);
    combine<T>(next, {{1, clean}, {run.s(i + 1), z}});
    run.denoise(run.s(i), x, x0);
    combine<T>(mu, {{step.estimate, x0}, {step.state, x}});
    combine<T>(z, {{1 / step.noise, next}, {-1 / step.noise, mu}});
    combine(x, {{step.estimate, x0}, {step.state, x}, {step.noise, z}});
    noises.write(i, z);
  }
  run.keep(kNoise, noises.steps(), noises.values());
  std::copy(latent.begin(), latent.end(), x.begin());
}

}  // namespace

Sampler ddpm_inversion_sampler() {
  Sampler self;
  self.name = "ddpm-inversion";
  self.summary = "DDPM with noises that may be given: its inverse finds those that lead to a sample";
  self.order = 1;
  self.calls_per_step = 1;
  self.stochastic = true;
  self.minimum_steps = 2;  // the last one has no noise
  self.source = "Huberman-Spiegelglas, Kulikov, Michaeli 2023, An edit friendly DDPM noise space, equations 5 to 7";
  self.run_float = ddpm<float>;
  self.run_double = ddpm<double>;
  self.invert_float = edit_friendly_inversion<float>;
  self.invert_double = edit_friendly_inversion<double>;
  self.companion = kNoise;
  return self;
}

}  // namespace noiseutils
