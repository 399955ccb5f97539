#include <Eigen/Core>
#include <cmath>

#include "base/error.hpp"
#include "metric/set_metric.hpp"
#include "metric/two_sample.hpp"

namespace noiseutils {
namespace {

std::vector<Figures> measure(const SetInput& input) {
  const SampleRows &x = input.rows("data"), &y = input.rows("reference");
  require_equal_dim(x.dim, y.dim);
  const auto asked = input.options.maybe_number("bandwidth");
  const double bandwidth = asked ? *asked : median_distance(x, y, input.seed);
  if (!(bandwidth > 0)) throw DataError("the median distance is 0: --bandwidth is needed");
  const double factor = -0.5 / (bandwidth * bandwidth);
  const auto gaussian = [factor](std::span<double> values) {
    Eigen::Map<Eigen::ArrayXd> all(values.data(), static_cast<Eigen::Index>(values.size()));
    all = (factor * all).exp();
  };
  const TwoSampleTest test = two_sample_test(x, y, gaussian, input.options.integer("permutations"), input.seed);
  return {{{"mmd", test.statistic}, {"mmd_stderr", test.error}, {"mmd_p", test.p_value}, {"mmd_bandwidth", bandwidth}}};
}

}  // namespace

SetMetricEntry mmd_metric() {
  SetMetricEntry entry;
  entry.name = "mmd";
  entry.summary = "maximum mean discrepancy with a Gaussian kernel, squared and unbiased, and its p-value";
  entry.options = {
      number("bandwidth", "H", "width of the kernel, in units of data; default: the median distance").above(0),
      permutations_option()};
  entry.measure = measure;
  return entry;
}

}  // namespace noiseutils
