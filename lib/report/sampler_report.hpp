#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sample/sample_maker.hpp"

namespace noiseutils {

/// How far one sampler is from what it samples, at one number of steps. NaN: not known.
struct SamplerErrors {
  std::string sampler;
  std::int64_t steps = 0;
  double nfe = 0;    ///< calls of the denoiser for one sample; where they depend on the sample, their mean
  double order = 0;  ///< of convergence, fitted over all step counts
  double w2 = 0, mean = 0, variance = 0, flow = 0;
  bool exact = false;  ///< errors of the law itself, not of samples
  double seconds = 0;  ///< wall time of one call of the denoiser by this sampler, for the batch
};

/// What a report is made of, whatever the sampler.
struct ReportSettings {
  std::function<Schedule(std::int64_t steps)> schedule;
  std::vector<std::int64_t> steps;  ///< at how many
  std::uint64_t seed = 0;
  std::int64_t count = 1;  ///< vectors of the batch that is timed, and, where there is no closed form, judged
  bool timing = true;      ///< else seconds are NaN
};

/// Reports on samplers of one target.
class SamplerReport {
 public:
  virtual ~SamplerReport() = default;
  /// One row for each number of steps that the sampler takes. Throws UsageError where the sampler cannot take them, or
  /// not from this target.
  virtual std::vector<SamplerErrors> rows(const Sampler& sampler, const OptionValues& options) = 0;
};

/// Of a Gaussian law and affine samplers: all errors are exact, of the law itself (affine_law.hpp, law_errors.hpp). The
/// order is that of the flow error, or with noise of the errors of the law, sqrt(mean^2 + variance^2); along the
/// schedule with one step more whose last one is left out where it leads to s = 0, from the exact law at s_0, and with
/// the first and last steps of multistep methods at their full order. `target` must outlive it.
std::unique_ptr<SamplerReport> exact_report(Target& target, ReportSettings settings);

/// Of anything else, by `settings.count` samples from shared starts s_0 n, n the starts of `sample` with that seed,
/// against the flow itself: the closed form for Gaussian laws; else by the steps of Dormand and Prince, to a relative
/// error of 1e-8 a step for models and 1e-5 for programs. Its end at s = 0 is D(x; s) at the last level above 0 divided
/// by 1000 for models, at that level for programs.
///   w2        sqrt(d) times the sliced distance to as many exact draws of a model, to the flow's samples for a
///             program: at most W2, and equal to it where the laws differ alike in all directions. It has a floor, that
///             of `exact`.
///   mean      |mean x - mean f| / |mean f| over the samples;  variance: the same of the total variance
///   flow      (sum |x - f|^2 / sum |f|^2)^(1/2), NaN for stochastic samplers
///   order     that of the median over samples of |x - f| / |f| without the step to 0, as above; NaN for stochastic
///             samplers. Of the flow error itself it would be half: where a law has several components, a share of the
///             samples that falls like the error of a step ends in another one than the flow.
std::unique_ptr<SamplerReport> sampled_report(Target& target, ReportSettings settings);

/// The numbers of steps that the sampler takes at all; every one where it takes none of them, to be refused.
std::vector<std::int64_t> possible_steps(const ReportSettings& settings, const Sampler& sampler);
/// The schedule of `steps` steps whose last level is above 0, from the same levels.
Schedule levels_above_zero(const ReportSettings& settings, std::int64_t steps);

}  // namespace noiseutils
