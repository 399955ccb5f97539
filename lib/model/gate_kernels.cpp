#include "model/gate_kernels.hpp"

#include <string_view>

#include "random/random.hpp"

namespace noiseutils {

const GateKernels& gate_kernels() {
#ifdef __x86_64__
  if (active_isa() == std::string_view("avx512")) return gate_isa::avx512::kKernels;
  if (active_isa() == std::string_view("avx2")) return gate_isa::avx2::kKernels;
#endif
  return gate_isa::baseline::kKernels;
}

}  // namespace noiseutils
