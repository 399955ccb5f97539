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
  std::vector<double> sigmas;
  const std::string* previous = nullptr;
  const auto noises = metadata_of_samples(record.meta(key), samples);
  for (const std::string& noise : noises) {
    if (noise == "variable")
      throw DataError("the inputs of an earlier program differed in metadata \"" + std::string(key) +
                      "\": give --sigma");
    if (previous != nullptr && noise == *previous) {
      sigmas.push_back(sigmas.back());
      continue;
    }
    const auto sigma = gaussian_sigma(noise);
    if (!sigma) throw DataError("how noisy is it? Metadata \"" + std::string(key) + "\" is absent: give --sigma");
    sigmas.push_back(*sigma);
    previous = &noise;
  }
  return sigmas;
}

}  // namespace noiseutils
