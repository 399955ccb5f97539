#include <algorithm>

#include "base/error.hpp"
#include "random/pool.hpp"
#include "random/random.hpp"
#include "random/rejection.hpp"
#include "random/stream.hpp"

namespace noiseutils {

void fill_gamma(const StreamKey& key, std::uint64_t first, std::span<const double> shape, std::span<double> out) {
  const Kernels& kernels = active_kernels();
  const PhiloxStream stream = philox_stream(key);
  Gathered elements, below_one;
  for (std::size_t done = 0; done < out.size(); done += kPool) {
    const auto shapes = shape.subspan(done, std::min(kPool, out.size() - done));
    double* values = out.data() + done;
    const Pool& pool = elements.pool;
    elements.assign(first + done, shapes);
    kernels.gamma_squeezes(stream, elements.groups(), elements.pool);
    elements.settle(values, 0, [&](std::size_t i) { return pool.verdict[i] == kUndecided; });
    for (std::uint64_t trial = 0; elements.size > 0; ++trial) {
      if (trial == kTrials) throw InternalError("a gamma shape is out of range");
      kernels.gamma_trials(stream, elements.groups(), elements.pool);
      elements.settle(values, kTrialStride, [&](std::size_t i) { return pool.verdict[i] == kRejected; });
    }
    below_one.size = 0;
    for (std::size_t i = 0; i < shapes.size(); ++i)
      if (shapes[i] < 1) below_one.add(i, first + done + i + kTrials * kTrialStride, shapes[i]);
    kernels.gamma_boosts(stream, below_one.groups(), below_one.pool);
    for (std::size_t i = 0; i < below_one.size; ++i) values[below_one.place[i]] *= below_one.pool.value[i];
  }
}

}  // namespace noiseutils
