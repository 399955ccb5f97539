#pragma once

#include "base/option.hpp"
#include "noise/schedule.hpp"

namespace noiseutils {

// The same level by what formulas speak of; alpha^2 + sigma^2 = 1.

/// alpha^2 = retained, in [0, 1].
NoiseLevel level_of_retained(double retained);
/// alpha^2 = exp(-decay), decay >= 0; sigma to full accuracy near 0.
NoiseLevel level_of_decay(double decay);
/// alpha^2 = 1 / (1 + exp(-log_snr)). log_snr is clipped to [-15, 15] first: the ends of several schedules are
/// infinite.
NoiseLevel level_of_log_snr(double log_snr);

/// 1 - exp(-x) for x >= 0, to a few units of the last place.
double one_minus_exp(double x);

/// The chain of these betas. Throws UsageError unless all are in (0, 1].
DiscreteTimes chain_of_betas(std::vector<double> betas);
/// beta_i = (sqrt(beta_min) + i/(T-1) (sqrt(beta_max) - sqrt(beta_min)))^2
std::vector<double> scaled_linear_betas(const ScheduleParameters& parameters);
/// B(t) = beta_min t + (beta_max - beta_min) t^2 / 2
double decay_of_linear_rate(double t, const ScheduleParameters& parameters);
/// n numbers from begin to end, both included.
std::vector<double> linspace(double begin, double end, std::int64_t n);

// Options that several families have; their ranges and defaults are the family's.

/// --input-scale: x_t = b alpha x_0 + sigma n, the same as s / b. Applied by ForwardProcess.
OptionSpec input_scale_option();
/// --timesteps, of chains.
OptionSpec timesteps_option();
OptionSpec beta_option(bool is_max);
OptionSpec sigma_option(bool is_max);
/// --start, --end, --tau of functions gamma(t) that are a piece of a curve, stretched to [0, 1].
std::vector<OptionSpec> curve_options(const std::string& start, const std::string& end);
/// (value - at_end) / (at_start - at_end) clipped to [1e-9, 1], as the level that retains so much. Throws UsageError
/// unless at_start > at_end.
NoiseLevel stretched_curve(double value, double at_start, double at_end);
/// --logsnr-mean, and --logsnr-spread where asked.
std::vector<OptionSpec> log_snr_options(bool with_spread);

}  // namespace noiseutils
