#include "metric/set_metric.hpp"

#include "base/error.hpp"

namespace noiseutils {

// Each is defined in the file of its name.
SetMetricEntry frechet_metric();
SetMetricEntry kl_metric();
SetMetricEntry sliced_wasserstein_metric();
SetMetricEntry sinkhorn_metric();
SetMetricEntry mmd_metric();
SetMetricEntry energy_distance_metric();
SetMetricEntry feature_shift_metric();
SetMetricEntry subspaces_metric();
SetMetricEntry memorization_metric();
SetMetricEntry convergence_metric();

const std::vector<SetMetricEntry>& set_metrics() {
  static const std::vector<SetMetricEntry> all = {
      frechet_metric(),       kl_metric(),           sliced_wasserstein_metric(),
      sinkhorn_metric(),      mmd_metric(),          energy_distance_metric(),
      feature_shift_metric(), memorization_metric(), convergence_metric(),
      subspaces_metric(),
  };
  return all;
}

const SampleRows& SetInput::rows(std::string_view name, std::int64_t least) const {
  const auto found = sets.find(name);
  if (found == sets.end()) throw InternalError("there is no set " + std::string(name));
  const SampleRows& rows = found->second->rows();
  if (rows.count < least)
    throw DataError(std::string(name) + " has " + std::to_string(rows.count) + " sample" +
                    (rows.count == 1 ? "" : "s") + ", at least " + std::to_string(least) +
                    " are needed (an array of samples by elements needs --axes ND)");
  return rows;
}

OptionSpec permutations_option() {
  return integer("permutations", "P", "relabellings that the p-value is of").otherwise("199").at_least(1).at_most(1e6);
}

OptionSpec ridge_option() {
  return number("ridge", "V", "variance added to every element of both sets, in squared units of data")
      .otherwise("0")
      .at_least(0);
}

void require_equal_dim(std::int64_t data, std::int64_t reference, std::string_view reference_name) {
  if (data == reference) return;
  throw DataError("samples of data have " + std::to_string(data) + " elements, those of " +
                  std::string(reference_name) + " " + std::to_string(reference));
}

}  // namespace noiseutils
