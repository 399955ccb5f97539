#include "noise/known_noise.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "noise/noise_level.hpp"

namespace noiseutils {

bool KnownNoise::is_white_gaussian() const {
  return std::all_of(laws.begin(), laws.end(),
                     [](const auto& law) { return law->family() == "gaussian" && law->maps().empty(); });
}

const Noise* KnownNoise::only(std::string_view family) const {
  return laws.size() == 1 && laws.front()->family() == family ? laws.front().get() : nullptr;
}

VarianceLaw KnownNoise::variance() const {
  if (laws.empty()) return {sigma * sigma, 0, 0};
  return combined_mean_variance(laws);
}

const Tensor* KnownNoise::file(std::string_view option, std::size_t layer) const {
  if (!laws[layer]->maps().contains(option)) return nullptr;
  const std::string name = noise_companion(option, layer);
  const auto found = files.find(name);
  if (found == files.end())
    throw DataError("metadata \"noise\" tells of a --" + std::string(option) + ", but the record has no tensor \"" +
                    name + "\"");
  return &found->second;
}

KnownNoise white_noise(double sigma) {
  KnownNoise noise;
  noise.sigma = sigma;
  return noise;
}

std::vector<KnownNoise> known_noises(const Record& record, std::optional<double> asked) {
  std::vector<KnownNoise> noises;
  for (const double sigma : noise_levels(record, asked)) noises.push_back(white_noise(sigma));
  if (asked) return noises;
  const auto texts = metadata_of_samples(record.meta("noise"), static_cast<std::int64_t>(noises.size()));
  for (std::size_t i = 0; i < noises.size(); ++i) {
    KnownNoise& noise = noises[i];
    if (i > 0 && texts[i] == texts[i - 1])
      noise.laws = noises[i - 1].laws;
    else
      for (auto& law : noise_from_metadata(texts[i])) noise.laws.emplace_back(std::move(law));
    for (std::size_t layer = 0; layer < noise.laws.size(); ++layer)
      for (const auto& [option, map] : noise.laws[layer]->maps())
        if (const std::string name = noise_companion(option, layer); record.find(name) != nullptr)
          noise.files[name] = sample_of(record, name, static_cast<std::int64_t>(i)).converted(DType::F64);
  }
  return noises;
}

}  // namespace noiseutils
