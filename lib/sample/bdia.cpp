#include <algorithm>

#include "sample/ddim_inversion.hpp"
#include "sample/sampler.hpp"
#include "sample/vectors.hpp"

namespace noiseutils {
namespace {

const std::string kPair = "latent.pair";

/// z_{i+1} = DDIM(i -> i+1 | z_i) + gamma (z_{i-1} - DDIM(i -> i-1 | z_i)),  DDIM(i -> j | z_i) = alpha_j x0 + sigma_j
/// e, with z = alpha x: both from one call of the denoiser at z_i. It follows from the paper's
///   z_{i+1} = z_{i-1} - (1 - gamma)(z_{i-1} - z_i) - gamma Delta(i -> i-1 | z_i) + Delta(i -> i+1 | z_i),
/// where z_i itself cancels. In x, with r = s_{i+1}/s_i, q = s_{i-1}/s_i and w = gamma alpha_{i-1}/alpha_{i+1}:
///   x_{i+1} = (1 - r) x0 + r x_i + w (x_{i-1} - (1 - q) x0 - q x_i)
struct BdiaStep {
  template <class T>
  BdiaStep(const SamplerRun<T>& run, std::int64_t i)
      : r(run.s(i + 1) / run.s(i)), q(run.s(i - 1) / run.s(i)), w(run.options.number("gamma-bdia")) {
    const auto& levels = run.schedule.levels;
    w *= levels[static_cast<std::size_t>(i - 1)].alpha / levels[static_cast<std::size_t>(i + 1)].alpha;
  }
  double r, q, w;
};

template <class T>
void bdia(const SamplerRun<T>& run, std::span<T> x) {
  std::vector<T> x0(x.size()), previous(x.begin(), x.end()), start(x.begin(), x.end());
  if (!run.load(kPair, 1, x)) {  // the first step is DDIM's
    run.denoise(run.s(0), start, x0);
    const double ratio = run.s(1) / run.s(0);
    combine(x, {{1 - ratio, x0}, {ratio, start}});
  }
  run.observe(1, x);
  for (std::int64_t i = 1; i < run.steps(); ++i) {
    const BdiaStep step(run, i);
    run.denoise(run.s(i), x, x0);
    // The state before takes the place of the one before it.
    combine<T>(previous, {{1 - step.r - step.w * (1 - step.q), x0}, {step.r - step.w * step.q, x}, {step.w, previous}});
    std::swap_ranges(previous.begin(), previous.end(), x.begin());
    run.observe(i + 1, x);
  }
  run.keep(kPair, 1, previous);
}

/// x_{i-1} = (x_{i+1} - (1 - r) x0 - r x_i) / w + (1 - q) x0 + q x_i: the same step, solved. It needs the last two
/// states; of a sample that comes without its x_{N-1} the step that DDIM's inversion makes is taken for it.
template <class T>
void bdia_inversion(const SamplerRun<T>& run, std::span<T> x) {
  const std::int64_t steps = run.steps();
  std::vector<T> x0(x.size()), later(x.begin(), x.end());
  if (!run.load(kPair, 1, x)) ddim_step_back(run, steps - 1, x);
  run.observe(1, x);
  for (std::int64_t i = steps - 1; i >= 1; --i) {
    const BdiaStep step(run, i);
    run.denoise(run.s(i), x, x0);
    combine<T>(later, {{1 / step.w, later}, {1 - step.q - (1 - step.r) / step.w, x0}, {step.q - step.r / step.w, x}});
    std::swap_ranges(later.begin(), later.end(), x.begin());
    run.observe(steps - i + 1, x);
  }
  run.keep(kPair, 1, later);
}

}  // namespace

Sampler bdia_sampler() {
  Sampler self;
  self.name = "bdia";
  self.summary = "bi-directional integration, DDIM with an exact inverse";
  self.order = 2;
  self.calls_per_step = 1;
  self.source = "Zhang, Lewis, Kleijn 2023, Exact diffusion inversion via bi-directional integration approximation";
  self.options = {number("gamma-bdia", "G", "share of the step from the other side: 1 is of order 2, less of order 1")
                      .otherwise("1")
                      .above(0)
                      .at_most(1)};
  self.run_float = bdia<float>;
  self.run_double = bdia<double>;
  self.invert_float = bdia_inversion<float>;
  self.invert_double = bdia_inversion<double>;
  self.companion = kPair;
  return self;
}

}  // namespace noiseutils
