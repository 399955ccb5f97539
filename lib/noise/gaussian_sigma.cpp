#include "noise/gaussian_sigma.hpp"

#include <cmath>

#include "base/error.hpp"
#include "noise/noise.hpp"

namespace noiseutils {

std::optional<double> gaussian_sigma(const std::string& noise) {
  const auto laws = noise_from_metadata(noise);
  if (laws.empty()) return std::nullopt;
  for (const auto& law : laws)
    if (law->family() != "gaussian")
      throw DataError("the noise is " + law->family() + ", not gaussian: give --sigma to take it as such");
  return std::sqrt(combined_variance(laws).constant);
}

std::vector<double> sigmas_of_samples(const Record& record, std::optional<double> given, std::string_view key) {
  const std::int64_t samples = sample_count(record);
  if (given) return std::vector<double>(static_cast<std::size_t>(samples), *given);
  const std::string value = record.meta(key);
  std::vector<double> sigmas;
  std::string previous;
  for (std::int64_t i = 0; i < samples; ++i) {
    const std::string noise = metadata_of_sample(value, samples, i);
    if (i == 0 || noise != previous) {
      const auto sigma = gaussian_sigma(noise);
      if (!sigma) throw DataError("how noisy is it? Metadata \"" + std::string(key) + "\" is absent: give --sigma");
      sigmas.push_back(*sigma);
      previous = noise;
    } else {
      sigmas.push_back(sigmas.back());
    }
  }
  return sigmas;
}

}  // namespace noiseutils
