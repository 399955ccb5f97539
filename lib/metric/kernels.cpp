#include "metric/kernels.hpp"

#include <string_view>

#include "random/random.hpp"

namespace noiseutils {

namespace baseline {
extern const MetricKernels kMetricKernels;
}
#ifdef __x86_64__
namespace avx2 {
extern const MetricKernels kMetricKernels;
}
namespace avx512 {
extern const MetricKernels kMetricKernels;
}
#endif

const MetricKernels& metric_kernels() {
#ifdef __x86_64__
  static const std::string_view isa = active_isa();
  if (isa == "avx512") return avx512::kMetricKernels;
  if (isa == "avx2") return avx2::kMetricKernels;
#endif
  return baseline::kMetricKernels;
}

}  // namespace noiseutils
