#include <algorithm>

#include "base/error.hpp"
#include "sample/element_noise.hpp"
#include "sample/target.hpp"

namespace noiseutils {
namespace {

/// Frames along the leading axis T of a sample.
std::int64_t frames_of(const Target& target) {
  if (target.axes().empty() || target.axes().front() != 'T')
    throw UsageError("--sampler rolling is for samples with frames, axis T first; the model's have axes " +
                     target.axes());
  return target.shape().front();
}

/// Rolling diffusion: frame f of F goes along the schedule L f steps behind the first one, so that in all there are
/// N + L (F - 1) steps, and early frames are finished, and known, while late ones are still noise:
///   s_f(j) = s(clip(j - L f, 0, N)),  j = 0 ... N + L (F - 1)
/// Each step is DDIM's, under noise whose deviation is that of an element's frame. L = 0 is DDIM.
/// Source: Ruhe, Heek, Salimans, Hoogeboom 2024, section 3, their local times in steps.
template <class T>
void rolling(const SamplerRun<T>& run, std::span<T> x) {
  const MeasuredLaw law = law_of_elements(run.target, "--sampler rolling");
  const std::int64_t frames = frames_of(*run.target), lag = run.options.integer("lag"), n = run.steps();
  const std::int64_t total = n + lag * (frames - 1), frame = run.dim / frames;
  const double least = run.s(n) > 0 ? run.s(n) : run.s(n - 1);
  const auto deviations = [&](std::int64_t j) {
    std::vector<double> s(static_cast<std::size_t>(run.dim));
    for (std::int64_t e = 0; e < run.dim; ++e)
      s[static_cast<std::size_t>(e)] = run.s(std::clamp<std::int64_t>(j - lag * (e / frame), 0, n));
    return s;
  };
  for (std::int64_t j = 0; j < total; ++j) {
    step_of_elements<T>(law, deviations(j), deviations(j + 1), 0, least, {}, x);
    if ((j + 1) * n / total > j * n / total) run.observe((j + 1) * n / total, x);
  }
  for (std::int64_t v = 0; v < run.count(x); ++v) run.tell(v, "nfe", static_cast<double>(total));
}

}  // namespace

Sampler rolling_sampler() {
  Sampler self;
  self.name = "rolling";
  self.summary = "rolling diffusion of frames: each a few steps behind the one before";
  self.order = 1;
  self.calls_per_step = 1;
  self.affine = false;  // noise of another level at each frame mixes the eigenmodes
  self.source = "Ruhe, Heek, Salimans, Hoogeboom 2024, section 3";
  self.options = {
      integer("lag", "L", "steps that a frame is behind the one before; 0: none, DDIM")
          .otherwise("2")
          .at_least(0)
          .at_most(1e6),
  };
  self.run_float = rolling<float>;
  self.run_double = rolling<double>;
  return self;
}

}  // namespace noiseutils
