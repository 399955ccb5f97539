#include "metric/sums.hpp"

#include <algorithm>
#include <vector>

#include "base/threads.hpp"
#include "metric/block_sums.hpp"
#include "metric/kernels.hpp"

namespace noiseutils {
namespace {

constexpr std::int64_t kBlock = 65536;

/// Calls work(block, first, count) for every block of a range of `size` elements.
template <class Work>
void over_blocks(std::int64_t size, const Work& work) {
  parallel_blocks((size + kBlock - 1) / kBlock, [&](std::int64_t block) {
    const std::int64_t first = block * kBlock;
    work(block, first, std::min(kBlock, size - first));
  });
}

std::size_t block_count(const Tensor& tensor) {
  return static_cast<std::size_t>((tensor.size() + kBlock - 1) / kBlock);
}

template <class Real>
double sum_of_pairs(const Tensor& a, const Tensor& b, double (*kernel)(const Real*, const Real*, std::int64_t)) {
  const Real *x = a.values<Real>().data(), *y = b.values<Real>().data();
  std::vector<double> partial(block_count(a));
  over_blocks(a.size(), [&](std::int64_t block, std::int64_t first, std::int64_t count) {
    partial[static_cast<std::size_t>(block)] = kernel(x + first, y + first, count);
  });
  double total = 0;
  for (const double part : partial) total += part;
  return total;
}

}  // namespace

double sum_of_squared_differences(const Tensor& a, const Tensor& b) {
  const MetricKernels& kernels = metric_kernels();
  return a.dtype() == DType::F32 ? sum_of_pairs(a, b, kernels.sums_float.squared)
                                 : sum_of_pairs(a, b, kernels.sums_double.squared);
}

double sum_of_absolute_differences(const Tensor& a, const Tensor& b) {
  const MetricKernels& kernels = metric_kernels();
  return a.dtype() == DType::F32 ? sum_of_pairs(a, b, kernels.sums_float.absolute)
                                 : sum_of_pairs(a, b, kernels.sums_double.absolute);
}

double sum_of_squares(const Tensor& a) {
  const auto of = [&](auto values) {
    return sums_over_blocks<1>(a.size(), [&](std::int64_t first, std::int64_t last, auto& sums) {
      for (const auto value : values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)))
        sums[0] += static_cast<double>(value) * static_cast<double>(value);
    })[0];
  };
  return a.dtype() == DType::F32 ? of(a.values<float>()) : of(a.values<double>());
}

}  // namespace noiseutils
