#include "sample/gaussian_parts.hpp"

#include <algorithm>

#include "model/mixture.hpp"

namespace noiseutils {

std::vector<GaussianPart> gaussian_parts(const Model& model) {
  if (const LinearModel* linear = model.linear()) return {{1, linear}};
  std::vector<GaussianPart> parts;
  if (const MixtureModel* mixture = model.mixture())
    for (std::int64_t k = 0; k < mixture->components(); ++k)
      parts.push_back({mixture->law().weights[static_cast<std::size_t>(k)], &mixture->component(k)});
  return parts;
}

double smallest_variance(const Model& model) {
  double smallest = -1;
  const auto see = [&](double variance) { smallest = smallest < 0 ? variance : std::min(smallest, variance); };
  for (const GaussianPart& part : gaussian_parts(model)) {
    for (const double lambda : part.law->eigenvalues()) see(lambda);
    if (part.law->rank() < part.law->dim()) see(part.law->residual_variance());
  }
  return std::max(smallest, 0.0);
}

std::vector<double> covariance_matrix(const LinearModel& law) {
  const auto d = static_cast<std::size_t>(law.dim());
  std::vector<double> matrix(d * d, 0.0);
  for (std::size_t i = 0; i < d; ++i) matrix[i * d + i] = 1;
  law.gain_map(law.gains([](double lambda) { return lambda; }), MeanUse::none, law.dim())
      ->apply(std::span<const double>(matrix), std::span<double>(matrix));
  return matrix;
}

}  // namespace noiseutils
