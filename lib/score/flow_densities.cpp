#include "score/flow_densities.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/threads.hpp"
#include "noise/gaussian_sigma.hpp"
#include "score/in_batch.hpp"

namespace noiseutils {
namespace {

FlowDensity density_at(const FlowField& field, const NoiseLevel& level, const FlowSettings& settings,
                       std::span<const double> y) {
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(y.begin(), y.end(), finite)) return {std::numeric_limits<double>::quiet_NaN(), 0};
  std::vector<double> x(y.begin(), y.end());
  for (double& value : x) value /= level.alpha;
  FlowDensity result = flow_log_density(field, level.relative(), settings.sigma_max, settings.tolerance, x);
  result.log_density -= static_cast<double>(x.size()) * std::log(level.alpha);
  return result;
}

std::vector<std::vector<double>> probes_of(const FlowSettings& settings, std::int64_t dim, std::int64_t sample) {
  return sign_probes(settings.probes, dim, settings.seed, sample);
}

}  // namespace

std::vector<FlowDensity> flow_densities_of_samples(const Record& record, const Model& model,
                                                   const GivenLevel& measurement, const FlowSettings& settings,
                                                   std::int64_t first) {
  check_has_densities(record, model);
  const auto levels = levels_of_samples(record, measurement.alpha, measurement.sigma);
  const Tensor data = record.require("data").converted(DType::F64);
  std::vector<FlowDensity> result(levels.size());
  parallel_blocks(static_cast<std::int64_t>(levels.size()), [&](std::int64_t i) {
    const auto d = static_cast<std::size_t>(model.dim()), at = static_cast<std::size_t>(i);
    const FlowField field = model_flow(model, probes_of(settings, model.dim(), first + i));
    in_batch(i,
             [&] { result[at] = density_at(field, levels[at], settings, data.values<double>().subspan(at * d, d)); });
  });
  return result;
}

std::vector<FlowDensity> flow_densities_of_samples(const Record& record, Denoiser& denoiser,
                                                   const GivenLevel& measurement, const FlowSettings& settings,
                                                   std::int64_t first) {
  const auto levels = levels_of_samples(record, measurement.alpha, measurement.sigma);
  const Tensor data = record.require("data").converted(DType::F64);
  const std::int64_t dim = data.size() / static_cast<std::int64_t>(levels.size());
  std::vector<FlowDensity> result;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const FlowField field = denoiser_flow(denoiser, sample_axes(record), sample_shape(record),
                                          probes_of(settings, dim, first + static_cast<std::int64_t>(i)));
    const auto d = static_cast<std::size_t>(dim);
    in_batch(static_cast<std::int64_t>(i), [&] {
      result.push_back(density_at(field, levels[i], settings, data.values<double>().subspan(i * d, d)));
    });
  }
  return result;
}

}  // namespace noiseutils
