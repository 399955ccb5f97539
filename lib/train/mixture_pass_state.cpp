#include "train/mixture_pass_state.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/number.hpp"
#include "model/model_tensors.hpp"

namespace noiseutils {
namespace {

constexpr double kMost = 1e100;

/// Sums over at most 2^53 vectors in units of about 1: what is far beyond was not summed, and would end as infinity.
std::vector<double> sums_of(const Record& state, const std::string& name, const Shape& shape) {
  std::vector<double> sums = require_values(state, name, shape);
  for (const double value : sums)
    if (std::abs(value) > kMost) throw DataError("tensor \"" + name + "\" holds " + format_number(value));
  return sums;
}

}  // namespace

double variance_of(const Record& state, const std::string& name) {
  const double variance = require_values(state, name, {})[0];
  if (variance < 0 || variance > kMost) throw DataError("tensor \"" + name + "\" is " + format_number(variance));
  return variance;
}

void save_mixture_sums(const MixtureSums& sums, const LevelMoments& levels, Record& state) {
  const std::int64_t components = sums.components(), d = sums.dim(), channels = std::ssize(levels.means);
  state.tensors["log_likelihood"] = Tensor::of<double>({}, {sums.log_likelihood});
  state.tensors["square"] = Tensor::of<double>({}, {sums.square});
  state.tensors["sum"] = Tensor::of<double>({d}, sums.sum);
  state.tensors["component_counts"] = Tensor::of<double>({components}, sums.counts);
  state.tensors["component_shifts"] = Tensor::of<double>({components, d}, sums.shifts);
  state.tensors["component_scatters"] = Tensor::of<double>({components, d * (d + 1) / 2}, sums.scatters);
  state.tensors["level_means"] = Tensor::of<double>({channels}, levels.means);
  state.tensors["level_scatters"] = Tensor::of<double>({channels}, levels.scatters);
}

void load_mixture_sums(const Record& state, MixtureSums& sums, LevelMoments& levels) {
  const std::int64_t components = sums.components(), d = sums.dim(), channels = std::ssize(levels.means);
  sums.log_likelihood = sums_of(state, "log_likelihood", {})[0];
  sums.square = sums_of(state, "square", {})[0];
  sums.sum = sums_of(state, "sum", {d});
  sums.counts = sums_of(state, "component_counts", {components});
  sums.shifts = sums_of(state, "component_shifts", {components, d});
  sums.scatters = sums_of(state, "component_scatters", {components, d * (d + 1) / 2});
  levels.means = sums_of(state, "level_means", {channels});
  levels.scatters = sums_of(state, "level_scatters", {channels});
  for (const double count : sums.counts)
    if (count < 0) throw DataError("tensor \"component_counts\" holds a number below 0");
}

}  // namespace noiseutils
