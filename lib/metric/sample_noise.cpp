#include "metric/sample_noise.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "metric/block_sums.hpp"
#include "noise/clean_units.hpp"

namespace noiseutils {

bool SampleNoise::is_gaussian() const {
  return std::all_of(families.begin(), families.end(), [](const std::string& name) { return name == "gaussian"; });
}

double SampleNoise::level(const std::vector<double>& noisy) const {
  const auto sums = sums_over_blocks<2>(
      static_cast<std::int64_t>(noisy.size()), [&](std::int64_t first, std::int64_t last, auto& parts) {
        for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
          parts[0] += noisy[i];
          parts[1] += noisy[i] * noisy[i];
        }
      });
  const auto n = static_cast<double>(noisy.size());
  const double level = std::sqrt(std::max(variance.mean_from_noisy(sums[0] / n, sums[1] / n), 0.0));
  if (!(level > 0)) throw DataError("has no noise: its variance is " + format_number(level * level));
  return level;
}

OptionSpec sigma_option() {
  return number("sigma", "S", "white Gaussian noise of this standard deviation, in units of data, instead of metadata")
      .above(0);
}

SampleNoise sample_noise(const std::string& metadata, std::optional<double> asked) {
  if (asked) return {{*asked * *asked, 0, 0}, {"gaussian"}};
  if (metadata.empty()) throw DataError("nothing says which noise there is (no metadata \"noise\"): give --sigma S");
  if (metadata == "variable")
    throw DataError("the inputs of an earlier program differed in metadata \"noise\": give --sigma S");
  require_clean_units(metadata);
  const auto laws = noise_from_metadata(metadata);
  SampleNoise noise{combined_variance(laws), {}};
  for (const auto& law : laws) noise.families.push_back(law->family());
  return noise;
}

void check_support(const SampleNoise& noise, const std::vector<double>& noisy) {
  const bool counts = noise.is("poisson"), positive = noise.is("gamma");
  for (std::size_t i = 0; i < noisy.size() && (counts || positive); ++i) {
    if (positive && noisy[i] < 0)
      throw DataError("data is " + format_number(noisy[i]) + " at element " + std::to_string(i) +
                      ": gamma noise makes no negative values");
    const double count = noisy[i] / noise.variance.linear;
    // Counts went through float: eight digits of a large one are not all there.
    if (counts && (count < -1e-4 || std::abs(count - std::round(count)) > 1e-4 + 3e-7 * count))
      throw DataError("data is " + format_number(count) + " counts at element " + std::to_string(i) +
                      ": poisson noise makes whole counts");
  }
}

std::vector<double> doubles(const Tensor& tensor) {
  const Tensor converted = tensor.converted(DType::F64);
  const auto values = converted.values<double>();
  return {values.begin(), values.end()};
}

std::vector<double> standardised_residual(const MetricSample& sample, std::optional<double> asked) {
  const std::vector<double> x = doubles(sample.data()), y = doubles(sample.noisy());
  const SampleNoise noise = sample_noise(sample.noise_removed(), asked);
  std::vector<double> residual(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double variance = noise.variance.at(x[i]);
    residual[i] = variance > 0 ? (y[i] - x[i]) / std::sqrt(variance) : std::isnan(variance) ? variance : 0;
  }
  return residual;
}

}  // namespace noiseutils
