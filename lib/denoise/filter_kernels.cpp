#include "denoise/filter_kernels.hpp"

#include <string_view>

#include "random/random.hpp"

namespace noiseutils {

template <>
const FilterKernels<float>& filter_kernels<float>() {
#ifdef __x86_64__
  if (active_isa() == std::string_view("avx512")) return filter_isa::avx512::kFloat;
  if (active_isa() == std::string_view("avx2")) return filter_isa::avx2::kFloat;
#endif
  return filter_isa::baseline::kFloat;
}

template <>
const FilterKernels<double>& filter_kernels<double>() {
#ifdef __x86_64__
  if (active_isa() == std::string_view("avx512")) return filter_isa::avx512::kDouble;
  if (active_isa() == std::string_view("avx2")) return filter_isa::avx2::kDouble;
#endif
  return filter_isa::baseline::kDouble;
}

}  // namespace noiseutils
