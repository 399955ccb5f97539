#include <cmath>

#include "metric/set_metric.hpp"
#include "metric/two_sample.hpp"

namespace noiseutils {
namespace {

/// 2 E|X - Y| - E|X - X'| - E|Y - Y'|
std::vector<Figures> measure(const SetInput& input) {
  const SampleRows &x = input.rows("data"), &y = input.rows("reference");
  require_equal_dim(x.dim, y.dim);
  const auto distance = [](std::span<double> values) {
    for (double& value : values) value = -std::sqrt(value);
  };
  const TwoSampleTest test = two_sample_test(x, y, distance, input.options.integer("permutations"), input.seed);
  return {{{"energy_distance", test.statistic},
           {"energy_distance_stderr", test.error},
           {"energy_distance_p", test.p_value}}};
}

}  // namespace

SetMetricEntry energy_distance_metric() {
  SetMetricEntry entry;
  entry.name = "energy-distance";
  entry.summary = "energy distance, unbiased, and its p-value";
  entry.options = {permutations_option()};
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
