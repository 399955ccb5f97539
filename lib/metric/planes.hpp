#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "metric/metric_sample.hpp"

namespace noiseutils {

/// A sample as `count` planes of height x width: images where its axes end in HW, else single rows along its last axis.
struct Planes {
  std::int64_t count = 0, height = 1, width = 1;
};
Planes planes_of(const MetricSample& sample);

/// The same for a metric that is of images alone, of at least `smallest` pixels each way: throws DataError, in the
/// words of `metric`, where the axes do not end in HW or the image is smaller.
Planes image_planes_of(const MetricSample& sample, const char* metric, std::int64_t smallest);

/// data - clean in double precision. Throws DataError if there is no clean sample.
std::vector<double> error_of(const MetricSample& sample);

}  // namespace noiseutils
