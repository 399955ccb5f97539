#include "denoise/group_kernels.hpp"

#include <string_view>

#include "random/random.hpp"

namespace noiseutils {

const GroupKernels& group_kernels() {
#ifdef __x86_64__
  if (active_isa() == std::string_view("avx512")) return group_isa::avx512::kKernels;
  if (active_isa() == std::string_view("avx2")) return group_isa::avx2::kKernels;
#endif
  return group_isa::baseline::kKernels;
}

}  // namespace noiseutils
