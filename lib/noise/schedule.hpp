#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/option.hpp"

namespace noiseutils {

/// One level of a forward process, x = alpha x_0 + sigma n with n ~ N(0, I).
struct NoiseLevel {
  double alpha = 1;
  double sigma = 0;

  /// s = sigma / alpha: the noise beside a sample of unit scale; infinite where nothing of the sample is left.
  double relative() const { return sigma / alpha; }
  /// log(alpha^2 / sigma^2), natural.
  double log_snr() const;
};

/// The numbers that fix a schedule within its family, by option name: {"sigma-max": 80}.
using ScheduleParameters = std::map<std::string, double, std::less<>>;

/// The levels a sampler steps through, from the noisiest to the last: N steps have N + 1 levels, and s = sigma / alpha
/// falls from each to the next.
struct Schedule {
  std::string name;
  ScheduleParameters parameters;
  std::vector<NoiseLevel> levels;
  std::string spacing = {};  ///< where the levels lie; "" at equal steps of continuous time

  std::int64_t steps() const { return static_cast<std::int64_t>(levels.size()) - 1; }
  double s(std::int64_t i) const { return levels[static_cast<std::size_t>(i)].relative(); }
};

/// A chain of discrete times i = 0 ... T-1: x_i = sqrt(1 - beta_i) x_(i-1) + sqrt(beta_i) n. What is retained of the
/// variance of x_0 after time i is prod_(j <= i) (1 - beta_j) = alpha_i^2.
struct DiscreteTimes {
  std::vector<double> betas, retained;
};

/// A family of schedules: one entry of schedule_families(), made in one file of this folder.
struct ScheduleFamily {
  std::string name;
  std::string summary;
  std::string source;
  std::vector<OptionSpec> options;  ///< numbers with a default
  /// The level at time t in [0, 1], from clean to noisy; nullptr if time is discrete. Throws UsageError if the
  /// parameters do not fit each other.
  NoiseLevel (*at)(double t, const ScheduleParameters& parameters) = nullptr;
  /// The chain; nullptr if time is continuous.
  DiscreteTimes (*chain)(const ScheduleParameters& parameters) = nullptr;
  /// Between these lie the equally spaced times of a sampler's N steps: N + 1 of them if nothing of the noise is left
  /// at the first; else N, and the last step leads from there to sigma = 0.
  double first_time = 0, last_time = 1;
};

const std::vector<ScheduleFamily>& schedule_families();

/// Which times of a chain of T a sampler of N steps visits, before its last step to sigma = 0:
///   linspace   round(i (T - 1) / (N - 1))        999, 888, ... 0 for T = 1000, N = 10
///   trailing   round(T - i T / N) - 1            999, 899, ... 99
///   leading    floor(T / N) i                    900, 800, ... 0: it never visits T - 1
///   quadratic  floor((i / (N - 1))^2 0.8 T)      800, ... 0, of the DDIM paper
/// or, of any family, where its levels lie between the first finite s and the last above 0 that linspace visits:
///   karras     at equal steps of s^(1/rho)
///   log        at equal steps of log s
enum class Spacing { linspace, trailing, leading, quadratic, karras, log };
/// Whether levels lie by their s and not by times.
inline bool spaced_by_level(Spacing spacing) { return spacing == Spacing::karras || spacing == Spacing::log; }
const std::vector<std::string>& spacing_names();
/// Throws UsageError for any other name.
Spacing spacing_named(const std::string& name);

/// The times, falling; of a spacing by level those of linspace. Throws UsageError if N > T.
std::vector<std::int64_t> spaced_times(Spacing spacing, std::int64_t times, std::int64_t steps);

/// The schedule of `steps` steps with the parameters given, the others by default. Throws UsageError if they do not
/// fit, or if s would not fall at every step. `spacing` is for chains, if it is one of times; rho is that of karras.
Schedule make_schedule(const ScheduleFamily& family, std::int64_t steps, const ScheduleParameters& parameters,
                       Spacing spacing = Spacing::linspace, double rho = 7);

// One function a file; schedule_families() lists them.
ScheduleFamily karras_schedule();
ScheduleFamily linear_schedule();
ScheduleFamily scaled_linear_schedule();
ScheduleFamily cosine_schedule();
ScheduleFamily zero_snr_schedule();
ScheduleFamily cosine_gamma_schedule();
ScheduleFamily cosine_simple_schedule();
ScheduleFamily sigmoid_schedule();
ScheduleFamily ve_schedule();
ScheduleFamily vp_schedule();
ScheduleFamily sub_vp_schedule();
ScheduleFamily laplace_schedule();
ScheduleFamily cauchy_schedule();
ScheduleFamily cosine_snr_schedule();

}  // namespace noiseutils
