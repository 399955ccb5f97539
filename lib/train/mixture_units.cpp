#include "train/mixture_units.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/number.hpp"

namespace noiseutils {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

void LevelMoments::add(std::span<const double> levels) {
  const std::size_t channels = means.size();
  if (channels == 0) return;
  LevelMoments block(static_cast<std::int64_t>(channels));
  block.count = static_cast<double>(levels.size() / channels);
  for (std::size_t i = 0; i < levels.size(); ++i) block.means[i % channels] += levels[i] / block.count;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const double away = levels[i] - block.means[i % channels];
    block.scatters[i % channels] += away * away;
  }
  merge(block);
}

void LevelMoments::merge(const LevelMoments& other) {
  if (other.count == 0) return;
  const double all = count + other.count;
  for (std::size_t c = 0; c < means.size(); ++c) {
    const double away = other.means[c] - means[c];
    scatters[c] += other.scatters[c] + away * away * count * other.count / all;
    means[c] += away * other.count / all;
  }
  count = all;
}

MixtureUnits units_of(const MixtureLaw& law, std::int64_t d, double noise_variance) {
  MixtureUnits units{std::vector<double>(index(d), 0.0), 1};
  double square = 0, level = 0;
  for (std::int64_t k = 0; k < law.components() && law.level_rows == 0; ++k)
    for (std::int64_t j = 0; j < d; ++j) units.centre[index(j)] += law.weights[index(k)] * law.means[index(k * d + j)];
  std::size_t row = 0;
  for (std::int64_t k = 0; k < law.components(); ++k) {
    const std::int64_t rank = law.ranks[index(k)];
    double variance = static_cast<double>(d - rank) * law.residual_variances[index(k)];
    for (std::int64_t j = law.level_rows; j < rank; ++j) variance += law.eigenvalues[row + index(j)];
    for (std::int64_t j = 0; j < d && law.level_rows == 0; ++j) {
      const double away = law.means[index(k * d + j)] - units.centre[index(j)];
      variance += away * away;
      level = std::max(level, std::abs(units.centre[index(j)]));
    }
    square += law.weights[index(k)] * variance;
    row += index(rank);
  }
  square = square / static_cast<double>(d - law.level_rows) + noise_variance;
  if (!(square > 0) || !std::isfinite(square)) throw DataError("is no start: under it nothing varies");
  units.scale = std::sqrt(square);
  return units;
}

MixtureLaw scaled_law(const MixtureLaw& law, std::int64_t d, const MixtureUnits& units) {
  MixtureLaw scaled = law;
  scaled.facts.clear();
  const double square = units.scale * units.scale;
  for (std::size_t i = 0; i < scaled.means.size(); ++i)
    scaled.means[i] = (scaled.means[i] - units.centre[i % index(d)]) / units.scale;
  for (double& value : scaled.eigenvalues) value /= square;
  for (double& value : scaled.residual_variances) value /= square;
  scaled.eigenvectors = scaled.eigenvectors.converted(DType::F64);
  const std::int64_t pixels = law.level_rows > 0 ? d / law.level_rows : d;
  std::size_t row = 0;
  for (std::int64_t k = 0; k < law.components(); row += index(law.ranks[index(k++)]))
    for (std::int64_t c = 0; c < law.level_rows; ++c) {
      scaled.eigenvalues[row + index(c)] = 0;
      take_levels(scaled.means.data() + k * d + c * pixels, pixels, 1, &scaled.eigenvalues[row + index(c)]);
      scaled.eigenvalues[row + index(c)] = 0;
    }
  return scaled;
}

MixtureLaw unscaled_law(const MixtureLaw& law, std::int64_t d, const MixtureUnits& units) {
  MixtureLaw plain = law;
  for (std::size_t i = 0; i < plain.means.size(); ++i)
    plain.means[i] = plain.means[i] * units.scale + units.centre[i % index(d)];
  for (double& value : plain.eigenvalues) value *= units.scale * units.scale;
  for (double& value : plain.residual_variances) value *= units.scale * units.scale;
  return plain;
}

std::unique_ptr<Model> mixture_model(ModelInfo info, DType dtype, MixtureFit fit, const MixtureRequest& request,
                                     const MixtureUnits& units, const LevelMoments& levels, std::int64_t count) {
  const std::int64_t d = std::ssize(units.centre);
  MixtureLaw law = unscaled_law(fit.law, d, units);
  const auto channels = std::ssize(levels.means);
  const double noise = fit.noise_variance * units.scale * units.scale;
  if (*std::max_element(law.eigenvalues.begin(), law.eigenvalues.end()) +
          *std::max_element(law.residual_variances.begin(), law.residual_variances.end()) <=
      0)
    throw DataError("the noise variance " + format_number(noise) + " is above all that varies in the data");
  const std::size_t pixels = channels > 0 ? index(d / channels) : 1;
  for (std::size_t i = 0; i < law.means.size() && channels > 0; ++i)
    law.means[i] += levels.means[i % index(d) / pixels] / std::sqrt(static_cast<double>(pixels));
  std::size_t row = 0;
  for (const std::int64_t rank : law.ranks) {
    for (std::size_t c = 0; c < index(channels); ++c)
      law.eigenvalues[row + c] = std::max(0.0, levels.variance(c) - noise);
    row += index(rank);
  }
  law.eigenvectors = law.eigenvectors.converted(dtype);
  const auto vectors = static_cast<double>(count);
  double likelihood = fit.log_likelihood - vectors * static_cast<double>(d - channels) * std::log(units.scale);
  for (std::size_t c = 0; c < index(channels); ++c)
    likelihood -= vectors / 2 * (1 + std::log(2 * std::numbers::pi * std::max(levels.variance(c), 1e-300)));
  const double numbers = mixture_bic(fit, request, count) + 2 * fit.log_likelihood;
  law.facts["model.log_likelihood"] = format_number(likelihood / vectors);
  law.facts["model.bic"] =
      format_number(-2 * likelihood + numbers + 2 * static_cast<double>(channels) * std::log(vectors));
  info.kind = "mixture";
  if (request.fit_noise) info.noise = json_text({{"family", "gaussian"}, {"sigma", std::sqrt(noise)}});
  return std::make_unique<MixtureModel>(std::move(info), std::move(law));
}

}  // namespace noiseutils
