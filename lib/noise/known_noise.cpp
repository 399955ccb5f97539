#include "noise/known_noise.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "noise/noise_level.hpp"

namespace noiseutils {

bool KnownNoise::is_white_gaussian() const {
  return levels.empty() && std::all_of(laws.begin(), laws.end(), [](const auto& law) {
           return law->family() == "gaussian" && law->maps().empty();
         });
}

const Noise* KnownNoise::only(std::string_view family) const {
  return laws.size() == 1 && laws.front()->family() == family ? laws.front().get() : nullptr;
}

VarianceLaw KnownNoise::variance() const {
  if (laws.empty()) return {sigma * sigma, 0, 0};
  return combined_mean_variance(laws);
}

double KnownNoise::variance_at(double x) const {
  return laws.size() == 1 ? laws.front()->variance_at(x) : variance().at(x);
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

namespace {

/// Whether the law is a power of the mean that VarianceLaw does not have.
bool other_power(const Noise& law) {
  if (law.family() != "tweedie") return false;
  const double power = law.parameters().at("power");
  return power != 0 && power != 1 && power != 2;
}

double level_of_values(const Noise& law, const Tensor& sample) {
  const Tensor values = sample.converted(DType::F64);
  double sum = 0;
  for (const double y : values.values<double>()) sum += law.variance_at(std::max(0.0, y));
  return std::sqrt(sum / static_cast<double>(std::max<std::int64_t>(1, values.size())));
}

}  // namespace

std::vector<KnownNoise> known_noises(const Record& record, std::optional<double> asked) {
  const std::int64_t samples = sample_count(record);
  if (asked) return std::vector<KnownNoise>(static_cast<std::size_t>(samples), white_noise(*asked));
  std::vector<KnownNoise> noises(static_cast<std::size_t>(samples));
  const auto texts = metadata_of_samples(record.meta("noise"), samples);
  bool usual = true;
  for (std::size_t i = 0; i < noises.size(); ++i) {
    KnownNoise& noise = noises[i];
    if (i > 0 && texts[i] == texts[i - 1])
      noise.laws = noises[i - 1].laws;
    else if (texts[i] != "variable")
      for (auto& law : noise_from_metadata(texts[i])) noise.laws.emplace_back(std::move(law));
    usual = usual && !(noise.laws.size() == 1 && other_power(*noise.laws.front()));
    for (std::size_t layer = 0; layer < noise.laws.size(); ++layer)
      for (const auto& [option, map] : noise.laws[layer]->maps())
        if (const std::string name = noise_companion(option, layer); record.find(name) != nullptr)
          noise.files[name] = sample_of(record, name, static_cast<std::int64_t>(i)).converted(DType::F64);
  }
  if (usual) {
    const std::vector<double> levels = noise_levels(record, {});
    for (std::size_t i = 0; i < noises.size(); ++i) noises[i].sigma = levels[i];
    return noises;
  }
  for (std::size_t i = 0; i < noises.size(); ++i) {
    const bool own = noises[i].laws.size() == 1 && other_power(*noises[i].laws.front());
    noises[i].sigma =
        own ? level_of_values(*noises[i].laws.front(), sample_of(record, "data", static_cast<std::int64_t>(i)))
            : noise_levels(sample_record(record, static_cast<std::int64_t>(i)), {}).front();
  }
  return noises;
}

}  // namespace noiseutils
