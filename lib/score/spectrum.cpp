#include "score/spectrum.hpp"

#include <cmath>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "random/random.hpp"

namespace noiseutils {
namespace {

constexpr std::uint64_t kStart = std::uint64_t{1} << 33;  // copies of the probes' streams that start a search

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Those of a model whose J is the same everywhere.
std::optional<SingularDirections> common_directions(const JacobianAt& jacobian, std::int64_t count) {
  if (jacobian.posterior() == nullptr || !jacobian.is_finite()) return std::nullopt;
  auto axes = jacobian.posterior()->common_axes(count);
  if (!axes) return std::nullopt;
  SingularDirections found;
  const double s = jacobian.level().relative();
  const std::size_t d = index(jacobian.dim());
  found.vectors = std::move(axes->vectors);
  found.responses = found.vectors;
  for (const double variance : axes->values) found.values.push_back(variance / (s * s) / jacobian.level().alpha);
  for (std::size_t i = 0; i < found.responses.size(); ++i) found.responses[i] *= found.values[i / d];
  return found;
}

}  // namespace

void require_dimensions(std::int64_t dim, std::int64_t count, const char* what) {
  if (count > dim)
    throw UsageError(std::string(what) + " " + std::to_string(count) + ": samples have " + std::to_string(dim) +
                     " dimensions");
}

SingularDirections directions_of(const JacobianAt& jacobian, const MatrixProducts& a, const DirectionSearch& search,
                                 std::int64_t sample) {
  if (jacobian.is_small()) return all_directions(a, search.power.count);
  if (jacobian.is_exact() && !jacobian.is_symmetric())
    throw UsageError(
        "the Jacobian of a regression is not symmetric, and of " + std::to_string(a.dim) +
        " dimensions too large to be made whole: --denoiser 'denoise --model FILE' takes it for symmetric");
  std::vector<double> start(index(block_vectors(a.dim, search.power.count) * a.dim));
  for (std::size_t j = 0; j * index(a.dim) < start.size(); ++j)
    fill_normal({search.seed, Purpose::probe, static_cast<std::uint64_t>(sample), kStart + j}, 0,
                std::span(start).subspan(j * index(a.dim), index(a.dim)));
  return power_directions(a, search.power, std::move(start));
}

JacobianSpectrum jacobian_spectrum(const JacobianAt& jacobian, const DirectionSearch& search, std::int64_t sample) {
  require_dimensions(jacobian.dim(), search.power.count, "--top");
  JacobianSpectrum spectrum;
  auto common = common_directions(jacobian, search.power.count);
  spectrum.directions = common ? std::move(*common) : directions_of(jacobian, jacobian.products(), search, sample);
  const SingularDirections& found = spectrum.directions;
  const std::size_t d = index(jacobian.dim());
  for (std::size_t k = 0; k < found.values.size(); ++k) {
    double sum = 0;
    for (std::size_t i = k * d; i < (k + 1) * d; ++i) {
      const double rest = found.responses[i] - found.values[k] * found.vectors[i];
      sum += rest * rest;
    }
    spectrum.residuals.push_back(std::sqrt(sum));
  }
  return spectrum;
}

}  // namespace noiseutils
