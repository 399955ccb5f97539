#pragma once

#include <optional>

#include "score/apply.hpp"
#include "score/flow_likelihood.hpp"

namespace noiseutils {

struct FlowSettings {
  double sigma_max = 80;    ///< where the flow ends, in units of data / alpha
  double tolerance = 1e-5;  ///< of one step, in nats
  std::int64_t probes = 0;  ///< of the divergence, random; 0: it is exact
  std::uint64_t seed = 0;   ///< of the probes
};

/// log p(y) of each sample along the flow; the first one has the number `first`, which its probes depend on. With
/// another alpha than 1 it is that of y / alpha at sigma / alpha, less log alpha for each dimension. NaN, by no calls,
/// where y is not finite. Throws DataError
/// if the model does not fit the samples, UsageError where sigma is not between 0 and sigma_max.
std::vector<FlowDensity> flow_densities_of_samples(const Record& record, const Model& model,
                                                   const GivenLevel& measurement, const FlowSettings& settings,
                                                   std::int64_t first);
std::vector<FlowDensity> flow_densities_of_samples(const Record& record, Denoiser& denoiser,
                                                   const GivenLevel& measurement, const FlowSettings& settings,
                                                   std::int64_t first);

}  // namespace noiseutils
