#include "linalg/sketch_kernels.hpp"

#include <string_view>

#include "random/random.hpp"

namespace noiseutils {

template <>
const SketchKernels<float>& sketch_kernels<float>() {
#ifdef __x86_64__
  static const std::string_view isa = active_isa();
  if (isa == "avx512") return sketch_isa::avx512::kFloat;
  if (isa == "avx2") return sketch_isa::avx2::kFloat;
#endif
  return sketch_isa::baseline::kFloat;
}

template <>
const SketchKernels<double>& sketch_kernels<double>() {
#ifdef __x86_64__
  static const std::string_view isa = active_isa();
  if (isa == "avx512") return sketch_isa::avx512::kDouble;
  if (isa == "avx2") return sketch_isa::avx2::kDouble;
#endif
  return sketch_isa::baseline::kDouble;
}

}  // namespace noiseutils
