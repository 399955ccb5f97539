#include "model/cascade_kernels.hpp"

#include <string_view>

#include "random/random.hpp"

namespace noiseutils {

const CascadeKernels& cascade_kernels() {
#ifdef __x86_64__
  if (active_isa() == std::string_view("avx512")) return cascade_isa::avx512::kKernels;
  if (active_isa() == std::string_view("avx2")) return cascade_isa::avx2::kKernels;
#endif
  return cascade_isa::baseline::kKernels;
}

}  // namespace noiseutils
