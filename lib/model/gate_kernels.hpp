#pragma once

#include <cstdint>

namespace noiseutils {

/// The inner loop of MixtureGate that is no matrix product. Every element is computed on its own, in one order, without
/// FMA, whatever the instruction set: all give the same bits.
struct GateKernels {
  /// v: `count` rows of n values, then with `linear` one more, l.
  /// joint[i] = constant - tail energy[i] + sum_j signs[j] v_j[i]^2 (+ l[i]).
  void (*joint)(std::int64_t count, std::int64_t n, const float* v, const float* signs, bool linear, float constant,
                float tail, const float* energy, float* joint);
};

/// Those of active_isa().
const GateKernels& gate_kernels();

/// One table an instruction set, each from a compilation of gate_kernels.isa.cpp.
namespace gate_isa {
namespace baseline {
extern const GateKernels kKernels;
}  // namespace baseline
namespace avx2 {
extern const GateKernels kKernels;
}  // namespace avx2
namespace avx512 {
extern const GateKernels kKernels;
}  // namespace avx512
}  // namespace gate_isa

}  // namespace noiseutils
