#include "noise/gaussian_sigma.hpp"

#include <cmath>

#include "base/error.hpp"
#include "noise/clean_units.hpp"
#include "noise/noise.hpp"

namespace noiseutils {

std::optional<double> gaussian_sigma(const std::string& noise) {
  require_clean_units(noise);
  const auto laws = noise_from_metadata(noise);
  if (laws.empty()) return std::nullopt;
  for (const auto& law : laws)
    if (law->family() != "gaussian")
      throw DataError("the noise is " + law->family() + ", not gaussian: give --sigma to take it as such");
  return std::sqrt(combined_variance(laws).constant);
}

std::vector<NoiseLevel> levels_of_samples(const Record& record, std::optional<double> alpha,
                                          std::optional<double> sigma, std::string_view key) {
  const std::int64_t samples = sample_count(record);
  if (sigma) return std::vector<NoiseLevel>(static_cast<std::size_t>(samples), {alpha.value_or(1), *sigma});
  std::vector<NoiseLevel> levels;
  const std::string* previous = nullptr;
  const auto noises = metadata_of_samples(record.meta(key), samples);
  for (const std::string& noise : noises) {
    if (noise == "variable")
      throw DataError("the inputs of an earlier program differed in metadata \"" + std::string(key) +
                      "\": give --sigma");
    if (previous != nullptr && noise == *previous) {
      levels.push_back(levels.back());
      continue;
    }
    const CleanUnits units = clean_units(noise);
    if (units.alpha == 0) throw DataError("alpha is 0: nothing of the clean sample is left in data");
    const auto relative = gaussian_sigma(units.noise);
    if (!relative) throw DataError("how noisy is it? Metadata \"" + std::string(key) + "\" is absent: give --sigma");
    levels.push_back({alpha.value_or(units.alpha), units.alpha * *relative});
    previous = &noise;
  }
  return levels;
}

}  // namespace noiseutils
