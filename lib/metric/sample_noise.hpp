#pragma once

#include <optional>
#include <string>
#include <vector>

#include "metric/metric_sample.hpp"
#include "noise/noise.hpp"

namespace noiseutils {

/// The law of the noise in a sample, which metrics without references take as known.
struct SampleNoise {
  VarianceLaw variance;               ///< Var(y | x)
  std::vector<std::string> families;  ///< in the order of application

  bool is(const std::string& family) const { return families.size() == 1 && families.front() == family; }
  bool is_gaussian() const;
  /// An unbiased estimate of Var(y | x) from y: (a + b y + q y^2) / (1 + q) for the variance a + b x + q x^2.
  double variance_from_noisy(double y) const { return variance.at(y) / (1 + variance.quadratic); }
  /// The root of the mean variance, as `denoise` takes it from noisy values (noise_level.hpp).
  double level(const std::vector<double>& noisy) const;
};

/// --sigma: white Gaussian noise instead of what the metadata say.
OptionSpec sigma_option();

/// White Gaussian noise of `asked` if given, else the law of the metadata text. DataError if it is empty, or of a
/// family whose variance is no quadratic function of the clean value.
SampleNoise sample_noise(const std::string& metadata, std::optional<double> asked);

/// Throws DataError where values cannot come from this noise: no counts for poisson, negative ones for gamma.
void check_support(const SampleNoise& noise, const std::vector<double>& noisy);

/// The values in double precision.
std::vector<double> doubles(const Tensor& tensor);

/// (noisy - data) / sqrt(Var(y | x)) with x = data: standard normal for a perfect estimate under Gaussian noise; 0
/// where the variance is not positive (no counts expected). From the companion noisy and metadata noise.removed (or
/// noise). DataError where they are absent.
std::vector<double> standardised_residual(const MetricSample& sample, std::optional<double> asked);

}  // namespace noiseutils
