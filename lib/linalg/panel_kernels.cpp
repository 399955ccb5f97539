#include "linalg/panel_kernels.hpp"

#include <string_view>

#include "random/random.hpp"

namespace noiseutils {
namespace {

enum class Isa { baseline, avx2, avx512 };

Isa isa() {
#ifdef __x86_64__
  const std::string_view name = active_isa();
  if (name == "avx512") return Isa::avx512;
  if (name == "avx2" && __builtin_cpu_supports("fma")) return Isa::avx2;
#endif
  return Isa::baseline;
}

}  // namespace

template <>
const PanelKernels<float>& panel_kernels<float>() {
#ifdef __x86_64__
  static const Isa chosen = isa();
  if (chosen == Isa::avx512) return panel_isa::avx512::kFloat;
  if (chosen == Isa::avx2) return panel_isa::avx2::kFloat;
#endif
  return panel_isa::baseline::kFloat;
}

template <>
const PanelKernels<double>& panel_kernels<double>() {
#ifdef __x86_64__
  static const Isa chosen = isa();
  if (chosen == Isa::avx512) return panel_isa::avx512::kDouble;
  if (chosen == Isa::avx2) return panel_isa::avx2::kDouble;
#endif
  return panel_isa::baseline::kDouble;
}

}  // namespace noiseutils
