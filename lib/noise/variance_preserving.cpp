#include "noise/variance_preserving.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "random/math.hpp"

namespace noiseutils {

NoiseLevel level_of_retained(double retained) { return {std::sqrt(retained), std::sqrt(1 - retained)}; }

double one_minus_exp(double x) {
  if (x > 0.5) return 1 - portable::exp(-x);
  // x - x^2/2! + x^3/3! - ...: the difference above would lose the digits that x lacks to 1.
  double term = x, sum = 0;
  for (int n = 2; n < 20; ++n) {
    sum += term;
    term *= -x / n;
  }
  return sum;
}

NoiseLevel level_of_decay(double decay) { return {portable::exp(-decay / 2), std::sqrt(one_minus_exp(decay))}; }

NoiseLevel level_of_log_snr(double log_snr) {
  const double clipped = std::clamp(log_snr, -15.0, 15.0);
  return {std::sqrt(1 / (1 + portable::exp(-clipped))), std::sqrt(1 / (1 + portable::exp(clipped)))};
}

DiscreteTimes chain_of_betas(std::vector<double> betas) {
  DiscreteTimes chain;
  double retained = 1;
  for (const double beta : betas) {
    if (!(beta > 0 && beta <= 1))
      throw UsageError("a beta of the schedule would be " + format_number(beta) + ", which is not above 0 to 1");
    retained *= 1 - beta;
    chain.retained.push_back(retained);
  }
  chain.betas = std::move(betas);
  return chain;
}

std::vector<double> scaled_linear_betas(const ScheduleParameters& parameters) {
  std::vector<double> betas = linspace(std::sqrt(parameters.at("beta-min")), std::sqrt(parameters.at("beta-max")),
                                       static_cast<std::int64_t>(parameters.at("timesteps")));
  for (double& beta : betas) beta *= beta;
  return betas;
}

double decay_of_linear_rate(double t, const ScheduleParameters& parameters) {
  const double beta_min = parameters.at("beta-min"), beta_max = parameters.at("beta-max");
  return t * (beta_min + t * ((beta_max - beta_min) / 2));
}

std::vector<double> linspace(double begin, double end, std::int64_t n) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < n; ++i)
    values.push_back(n > 1 && i + 1 == n
                         ? end
                         : begin + static_cast<double>(i) *
                                       ((end - begin) / static_cast<double>(std::max<std::int64_t>(n - 1, 1))));
  return values;
}

OptionSpec input_scale_option() {
  return number("input-scale", "B", "scale of the sample before the noise, x_t = B alpha x_0 + sigma n")
      .otherwise("1")
      .above(0)
      .at_most(1e6);
}

OptionSpec timesteps_option() {
  return integer("timesteps", "T", "times of a discrete schedule, 0 to T-1").otherwise("1000").at_least(2).at_most(1e6);
}

OptionSpec beta_option(bool is_max) {
  return is_max ? number("beta-max", "B", "rate of the noise at the end").above(0)
                : number("beta-min", "B", "rate of the noise at the start").above(0);
}

OptionSpec sigma_option(bool is_max) {
  return is_max ? number("sigma-max", "S", "sigma of the start, in units of data").above(0)
                : number("sigma-min", "S", "smallest sigma above 0, in units of data").above(0);
}

std::vector<OptionSpec> curve_options(const std::string& start, const std::string& end) {
  return {number("start", "X", "where on its curve the schedule begins").otherwise(start).at_least(-100).at_most(100),
          number("end", "X", "where on its curve the schedule ends").otherwise(end).at_least(-100).at_most(100),
          number("tau", "T", "sharpness of the curve").otherwise("1").above(0).at_most(100), input_scale_option()};
}

NoiseLevel stretched_curve(double value, double at_start, double at_end) {
  if (!(at_start > at_end)) throw UsageError("--start and --end: the curve does not fall from the one to the other");
  const double retained = std::clamp((value - at_end) / (at_start - at_end), 1e-9, 1.0);
  return {std::sqrt(retained), std::sqrt(std::clamp((at_start - value) / (at_start - at_end), 0.0, 1 - 1e-9))};
}

std::vector<OptionSpec> log_snr_options(bool with_spread) {
  std::vector<OptionSpec> options = {
      number("logsnr-mean", "M", "centre of log(alpha^2/sigma^2)").otherwise("0").at_least(-15).at_most(15)};
  if (with_spread)
    options.push_back(
        number("logsnr-spread", "W", "scale of the law of log(alpha^2/sigma^2)").otherwise("0.5").above(0).at_most(15));
  options.push_back(input_scale_option());
  return options;
}

}  // namespace noiseutils
